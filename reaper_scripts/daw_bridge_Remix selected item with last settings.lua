-- @noindex
-- Remix selected item with last settings. Remixes each selected audio item with the style, preset and strength that this
-- project used last, with no questions: for a key or a toolbar button.

local folder = select(2, reaper.get_action_context()):match("^(.*)[/\\]")
package.path = folder .. "/lib/?.lua;" .. package.path

local asking = require("asking")
local messages = require("messages")
local running = require("running")

-- Started again while it waits, the script ends and starts anew; what is outstanding it finds in the projects.
if reaper.APIExists("set_action_options") then reaper.set_action_options(3) end

local configuration = asking.configuration(folder)
local wishes, problem = asking.wishes(configuration, { of = "items", is_quiet = true })
if problem then reaper.ShowMessageBox(problem, messages.title, 0) end
running.run(configuration, { wishes = wishes })
