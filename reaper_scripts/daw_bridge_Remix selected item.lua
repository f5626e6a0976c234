-- @description daw_bridge: remix items and stems in the style of another recording
-- @author daw_bridge
-- @version 0.2.0
-- @changelog The first versions.
-- @provides
--   [main] daw_bridge_*.lua
--   [nomain] lib/*.lua
-- @about
--   # daw_bridge
--   Seven actions that ask the daw_bridge service on this computer for remixes, and land them in the arrangement. They need a
--   running `daw-bridge serve`; without one a request waits.
--
--   *Remix selected item* gives the selected audio item the style of another recording. The style is a second selected item
--   (its whole file), or a file that you choose; of three or more items each becomes a remix of its own.
--   You go on working; the remix lands on a new track below, on the same sample, as one undo point.
--
--   What is sent is what you hear of the item: its media file as it is where that will do; reversed, looped and stretched items
--   and MP3 files are read first; items with effects or envelopes, of their own or of their track, are rendered by REAPER, which
--   waits meanwhile: the menu says so beforehand. Effects of folders, buses and the master are not part of it.
--
--   A file daw_bridge.conf beside this script may hold lines such as `state_dir = /path` (where the service keeps its
--   state, if not in the usual place), `presets = /path`, `preset = default` and `param.strength = 0.8`.

local folder = select(2, reaper.get_action_context()):match("^(.*)[/\\]")
package.path = folder .. "/lib/?.lua;" .. package.path

local asking = require("asking")
local messages = require("messages")
local running = require("running")

-- Started again while it waits, the script ends and starts anew; what is outstanding it finds in the projects.
if reaper.APIExists("set_action_options") then reaper.set_action_options(3) end

local configuration = asking.configuration(folder)
local wishes, problem = asking.wishes(configuration, { of = "items" })
if problem then reaper.ShowMessageBox(problem, messages.title, 0) end
running.run(configuration, { wishes = wishes, has_window = true })
