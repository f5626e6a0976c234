-- @noindex
-- Status. A small window with the remixes that are on their way and how far they are. A click on a row's cross gives that
-- one up.

local folder = select(2, reaper.get_action_context()):match("^(.*)[/\\]")
package.path = folder .. "/lib/?.lua;" .. package.path

local asking = require("asking")
local running = require("running")

if reaper.APIExists("set_action_options") then reaper.set_action_options(3) end

running.run(asking.configuration(folder), { has_window = true, stays = true })
