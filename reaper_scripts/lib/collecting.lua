-- @noindex
-- From the answer to the arrangement: looks for results, copies them into the project and lands them, a little in each tick.

local copying = require("copying")
local landing = require("landing")
local messages = require("messages")
local projects = require("projects")
local searching = require("searching")
local tickets = require("tickets")

local collecting = {}

local POLL_SECONDS = 0.5
local NEXT_TICK = 0
local PATIENCE_SECONDS = 10
local KEPT_SECONDS = 7 * 24 * 3600 -- as long as the service keeps an answer

-- The sound that was taken out for it stays: a job that failed or was cancelled may be tried again.
local function stop_waiting(project, request)
  if request.result_path then os.remove(request.result_path) end
  projects.forget(project, request)
end

local function conclude(project, request)
  stop_waiting(project, request)
  if request.content_copy then os.remove(request.content_copy) end
end

local function complain(project, request, sentence)
  conclude(project, request)
  reaper.ShowMessageBox(sentence, messages.title, 0)
end

local function look_for_trouble(waiting, now)
  local request = waiting.request
  if waiting.is_told or now - waiting.since_seconds < PATIENCE_SECONDS then return end
  waiting.is_told = true
  if tickets.is_waiting(request.ticket_path) then reaper.ShowConsoleMsg(messages.waiting:format(request.name)) end
end

local function begin_copy(waiting, project, file)
  local request = waiting.request
  if not file or not reaper.file_exists(file) then
    return complain(project, request, messages.result_missing:format(request.name, file or "no name was given"))
  end
  local media_folder = reaper.GetProjectPathEx(project)
  reaper.RecursiveCreateDirectory(media_folder, 0)
  local copy, problem = copying.start(file, media_folder)
  if not copy then return complain(project, request, messages.copy_failed:format(request.name, problem, file)) end
  waiting.copy, waiting.file = copy, file
  return NEXT_TICK
end

local function land(waiting, project, path)
  local request = waiting.request
  waiting.path = nil
  if landing.has_landed(project, request) then
    os.remove(path)
    return conclude(project, request)
  end
  local guid, problem = landing.land(project, request, path)
  if not guid then
    os.remove(path)
    return complain(project, request, messages.import_failed:format(request.name, problem, waiting.file))
  end
  conclude(project, request)
  reaper.Help_Set(messages.landed:format(request.name), false)
  waiting.guid, waiting.peaks = guid, {}
  return NEXT_TICK
end

-- Landing has a tick of its own: it cannot be cut into pieces.
local function go_on_copying(waiting, project, deadline)
  local path, problem = copying.step(waiting.copy, reaper.time_precise, deadline)
  if not path and not problem then return NEXT_TICK end
  waiting.copy = nil
  if path then
    waiting.path = path
    return NEXT_TICK
  end
  return complain(project, waiting.request, messages.copy_failed:format(waiting.request.name, problem, waiting.file))
end

local function is_settled_elsewhere(waiting, project)
  local request = waiting.request
  if request.is_unkept then return not tickets.is_waiting(request.result_path) end
  if projects.is_kept(project, request) then return false end
  -- A project that was closed unsaved has forgotten it, although nobody has settled it.
  return not waiting.was_closed or landing.has_landed(project, request)
end

local function poll(waiting, project, now)
  local request = waiting.request
  if is_settled_elsewhere(waiting, project) then return nil end
  local result, problem = tickets.read_result(request.result_path)
  if problem then return complain(project, request, messages.result_unreadable:format(request.name, problem)) end
  if not result then
    look_for_trouble(waiting, now)
    if os.time() - request.asked_at > KEPT_SECONDS then return conclude(project, request) end
    return POLL_SECONDS
  end
  if landing.has_landed(project, request) then return conclude(project, request) end
  if result.state == "done" then return begin_copy(waiting, project, result.file) end
  if result.state == "failed" then
    local is_refused = result.job == "" -- it never became a job
    if is_refused then conclude(project, request) else stop_waiting(project, request) end
    reaper.ShowMessageBox(messages.failed:format(request.name, messages.of_error(result.error)), messages.title, 0)
    return nil
  end
  if result.state == "cancelled" then
    stop_waiting(project, request)
    reaper.Help_Set(messages.cancelled:format(request.name), false)
    return nil
  end
  return POLL_SECONDS
end

-- A remix that another client asked for: there is no ticket to wait for.
local function begin_known(waiting, project)
  if landing.has_landed(project, waiting.request) then return nil end
  return begin_copy(waiting, project, waiting.request.file)
end

-- Where it goes, for one that was not asked for from an item: true once that is known.
local function has_place(waiting, project, deadline)
  local request = waiting.request
  if not request.part or request.look then return true end
  waiting.search = waiting.search or searching.start(request.part)
  for name, value in pairs(searching.step(waiting.search, project, deadline) or {}) do request[name] = value end
  return request.look ~= nil
end

--- Do the next small piece of work for one request.
-- @param waiting table of request and since_seconds; further state is kept in it
-- @param deadline when to leave off, by REAPER's clock
-- @return how many seconds to rest before the next piece (0: next tick); nil when nothing is left to do
function collecting.step(waiting, now, deadline)
  local project = projects.find(waiting.request)
  if not project then
    waiting.was_closed = true
    return POLL_SECONDS -- kept until it is open again
  end
  if waiting.peaks then return landing.build_peaks(project, waiting.guid, waiting.peaks) and NEXT_TICK or nil end
  if projects.is_recording(project) then return POLL_SECONDS end
  if waiting.copy then return go_on_copying(waiting, project, deadline) end
  if waiting.path then
    if not has_place(waiting, project, deadline) then return NEXT_TICK end
    return land(waiting, project, waiting.path)
  end
  if waiting.request.file then return begin_known(waiting, project) end
  return poll(waiting, project, now)
end

--- Leave no trace of a copy that is under way.
function collecting.abandon(waiting)
  if waiting.copy then copying.abandon(waiting.copy) end
  if waiting.path then os.remove(waiting.path) end
  waiting.copy, waiting.path = nil, nil
end

return collecting
