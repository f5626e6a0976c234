-- @noindex
-- Cancel. Gives up a remix that is on its way; where there are several, a menu asks which.

local folder = select(2, reaper.get_action_context()):match("^(.*)[/\\]")
package.path = folder .. "/lib/?.lua;" .. package.path

local asking = require("asking")
local cancelling = require("cancelling")
local messages = require("messages")
local projects = require("projects")
local running = require("running")
local sending = require("sending")

if reaper.APIExists("set_action_options") then reaper.set_action_options(3) end

local requests = projects.pending()
local chosen = cancelling.choose(requests)
if #requests == 0 then reaper.ShowMessageBox(messages.nothing_to_cancel, messages.title, 0) end

local configuration = asking.configuration(folder)
local sender = sending.open(configuration.state)
for _, request in ipairs(chosen) do reaper.Help_Set(cancelling.cancel(request, sender), false) end
sending.close(sender)
running.run(configuration, {}) -- until the answers are there
