-- @description daw_bridge: Remix selected item
-- @author daw_bridge
-- @version 0.1.0
-- @changelog First version.
-- @provides [nomain] lib/*.lua
-- @about
--   # Remix selected item
--   Gives the selected audio item the style of another recording, by the daw_bridge service on this computer. The style is
--   a second selected item (its whole file), or a file that you choose. You go on working; the remix lands on a new track
--   below, on the same sample, as one undo point.
--
--   The item's own media file is sent: take effects, envelopes and volume are not part of the remix. Glue items that are
--   reversed, looped, sections or stretched first. Needs a running `daw-bridge serve`; without one the request waits.
--
--   A file daw_bridge.conf beside this script may hold lines such as `state_dir = /path` (where the service keeps its
--   state, if not in the usual place), `presets = /path`, `preset = default` and `param.strength = 0.8`.

local folder = select(2, reaper.get_action_context()):match("^(.*)[/\\]")
package.path = folder .. "/lib/?.lua;" .. package.path

local asking = require("asking")
local collecting = require("collecting")
local messages = require("messages")

-- Started again while it waits, the script ends and starts anew; what is outstanding it finds in the projects.
if reaper.APIExists("set_action_options") then reaper.set_action_options(3) end

local request, problem = asking.remix(asking.configuration(folder))
if problem then reaper.ShowMessageBox(problem, messages.title, 0) end
collecting.run(request)
