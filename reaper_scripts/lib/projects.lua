-- @noindex
-- REAPER's projects: where they lie, what they remember for us, and how one is found again later.

local folders = require("folders")
local json = require("json")
local messages = require("messages")

local projects = {}

local SECTION = "daw_bridge"
local PENDING = "pending_"
local LANDED_SECTION = "daw_bridge_landed" -- apart, because it grows
local OK_CANCEL, OK = 1, 1

--- The project that is in front now. The pointer is good for this tick alone.
-- @return the project, its folder and its file; or nil and a sentence if it was never saved
function projects.current()
  local project, file = reaper.EnumProjects(-1)
  local folder = file and file ~= "" and folders.split(file)
  if not folder then return nil, messages.unsaved_project end
  return project, folder, file
end

--- What the project remembers under a name; nil if nothing.
function projects.recall(project, key)
  local _, value = reaper.GetProjExtState(project, SECTION, key)
  return value ~= "" and value or nil
end

--- Let the project remember a text of one line; nil forgets it.
function projects.remember(project, key, value)
  reaper.SetProjExtState(project, SECTION, key, value or "")
end

--- Ask once in each project whether it may get a folder of ours.
-- @return whether it may
function projects.may_use(project, folder)
  if projects.recall(project, "registered") then return true end
  local question = messages.register:format(folders.join(folder, "daw_bridge"))
  local is_ok = reaper.ShowMessageBox(question, messages.title, OK_CANCEL) == OK
  if is_ok then projects.remember(project, "registered", "1") end
  return is_ok
end

--- Keep a request in its project until its remix has landed, so that it outlives the script and REAPER.
-- @param request table of plain values with reqid
-- @return whether it could be written down, else nil and a message
function projects.keep(project, request)
  local text, problem = json.encode(request)
  if not text then return nil, problem end
  -- A project file has three kinds of quotes to put round a text, and no escape: leave it two.
  text = text:gsub("['`]", { ["'"] = "\\u0027", ["`"] = "\\u0060" })
  projects.remember(project, PENDING .. request.reqid, text)
  return true
end

--- Whether a project keeps a request.
function projects.is_kept(project, request) return projects.recall(project, PENDING .. request.reqid) ~= nil end

--- Forget a request.
function projects.forget(project, request) projects.remember(project, PENDING .. request.reqid, nil) end

--- Let the project remember which take a request has become.
function projects.note_landed(project, request, guid) reaper.SetProjExtState(project, LANDED_SECTION, request.reqid, guid) end

--- The take that a request has become, by GUID; nil if it has not landed. The take may be gone.
function projects.landed(project, request)
  local _, guid = reaper.GetProjExtState(project, LANDED_SECTION, request.reqid)
  return guid ~= "" and guid or nil
end

--- All open projects: for project, file in projects.each_open().
function projects.each_open()
  local index = -1
  return function()
    index = index + 1
    return reaper.EnumProjects(index)
  end
end

--- All requests that wait in any open project.
function projects.pending()
  local found = {}
  for project in projects.each_open() do
    local index = 0
    while true do
      -- The value is asked for by its key: in a list REAPER gives no more than the beginning of a long one.
      local is_there, key = reaper.EnumProjExtState(project, SECTION, index)
      if not is_there then break end
      local request = key:sub(1, #PENDING):lower() == PENDING and json.decode(projects.recall(project, key) or "")
      if type(request) == "table" and request.reqid then found[#found + 1] = request end
      index = index + 1
    end
  end
  return found
end

--- The open project that a request came from: the one that keeps it, else the one with the same file.
-- A pointer would not do: it may meanwhile stand for another project.
-- @return the project, good for this tick alone; nil while it is not open
function projects.find(request)
  local of_same_file
  for project, file in projects.each_open() do
    if projects.recall(project, PENDING .. request.reqid) then return project end
    if file == request.project_file then of_same_file = project end
  end
  return of_same_file
end

--- Do something that REAPER can only do in the project in front, and leave the user's in front.
-- @return what `action` returned, two values at most; an error in it is passed on
function projects.in_front(project, action)
  local before = reaper.EnumProjects(-1)
  if before ~= project then reaper.SelectProjectInstance(project) end
  local is_done, outcome, problem = pcall(action)
  if before ~= project then reaper.SelectProjectInstance(before) end
  if not is_done then error(outcome, 0) end
  return outcome, problem
end

--- Whether the project records; nothing lands or pops up meanwhile.
function projects.is_recording(project) return reaper.GetPlayStateEx(project) & 4 == 4 end

return projects
