-- @noindex
-- Listener (toggle). While it is on, whatever the service finishes for an open project comes in by itself, also what a hot
-- folder, a controller or a command asked for; and the service rests while REAPER records. Run it again to turn it off.

local folder = select(2, reaper.get_action_context()):match("^(.*)[/\\]")
package.path = folder .. "/lib/?.lua;" .. package.path

local asking = require("asking")
local running = require("running")

local _, _, section, command = reaper.get_action_context()

-- Run again, it is ended by REAPER; before REAPER 7.03, REAPER asks what to do with the one that runs.
if reaper.APIExists("set_action_options") then reaper.set_action_options(1) end

local function show_as(state)
  reaper.SetToggleCommandState(section, command, state)
  reaper.RefreshToolbar2(section, command)
end

show_as(1)
reaper.atexit(function() show_as(0) end)
running.run(asking.configuration(folder), { listens = true })
