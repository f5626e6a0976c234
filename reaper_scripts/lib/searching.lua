-- @noindex
-- Looks for the item that plays a file, some items in each tick.

local content = require("content")
local folders = require("folders")

local searching = {}

--- Begin to look for the place of a remix that was not asked for from an item.
-- @param part table of content (path of a file), start_seconds and length_seconds
function searching.start(part)
  local system = folders.system(reaper.GetOS())
  local plain = folders.plain(part.content, system)
  local function is_content(path) return folders.plain(path, system) == plain end
  return { part = part, is_content = is_content, index = 0 }
end

--- Look at the next item, and at more while there is time; from the first again if the project has changed meanwhile.
-- @param deadline time in seconds, by REAPER's clock
-- @return where the remix goes: below the first item that plays its content, else at its own time; nil while there is more to do
function searching.step(search, project, deadline)
  local n_changes = reaper.GetProjectStateChangeCount(project)
  if n_changes ~= search.n_changes then search.index, search.n_changes = 0, n_changes end
  while search.index < reaper.CountMediaItems(project) do
    local found = content.landing_below(reaper.GetMediaItem(project, search.index), search.part, search.is_content)
    if found then return found end
    search.index = search.index + 1
    if reaper.time_precise() >= deadline then return nil end
  end
  return content.landing_of_its_own(search.part)
end

return searching
