-- @noindex
-- Finds answers to requests whose project was closed unsaved, so that it does not remember them: some files in each tick.

local folders = require("folders")
local projects = require("projects")
local tickets = require("tickets")

local answers = {}

local OURS = "^reaper%-"

--- Begin to look through the answers that lie in the folders of the open projects.
-- @param read table of what was learnt of files by earlier searches; an empty one at first
-- @return a search for `step`
function answers.start(read)
  local places = {}
  for _, file in projects.each_open() do
    local folder = file ~= "" and folders.split(file)
    if folder then places[#places + 1] = { file = file, folder = folders.results(folder) } end
  end
  return { places = places, read = read, is_over = false }
end

local function go_on_to_next_place(search)
  search.place, search.index = table.remove(search.places), 0
  if search.place then reaper.EnumerateFiles(search.place.folder, -1) end -- drops REAPER's cache of the folder
  search.is_over = not search.place
end

-- The request of an answer that nobody waits for; a file is opened again only if its project is the one at hand.
local function left_behind(search, name)
  local path, file = folders.join(search.place.folder, name), search.place.file
  local known_file = search.read[path]
  if known_file ~= nil and known_file ~= file then return nil end
  local result = tickets.read_result(path)
  local request = result and result.reaper
  local is_request = type(request) == "table" and request.reqid and request.look
  search.read[path] = is_request and request.project_file or false
  if not is_request or request.project_file ~= file then return nil end
  local project = projects.find(request)
  if not project or projects.is_kept(project, request) then return nil end
  request.result_path, request.is_unkept = path, true
  return request
end

--- Look at the next file, and at more while there is time.
-- @param deadline time in seconds, by REAPER's clock
-- @return list of the requests found; the search's `is_over` says whether that is all
function answers.step(search, deadline)
  local found = {}
  repeat
    local name = search.place and reaper.EnumerateFiles(search.place.folder, search.index)
    if name then
      search.index = search.index + 1
      if name:match(OURS) then found[#found + 1] = left_behind(search, name) end
    else
      go_on_to_next_place(search)
    end
  until search.is_over or reaper.time_precise() >= deadline
  return found
end

return answers
