-- @noindex
-- From a wish to its ticket: gets the sound out of the project where a part of a file will not do, then asks the service.

local folders = require("folders")
local landing = require("landing")
local messages = require("messages")
local projects = require("projects")
local reading = require("reading")
local rendering = require("rendering")
local tickets = require("tickets")

local preparing = {}

local function free_content_path(wish)
  local folder = folders.contents(wish.folder)
  reaper.RecursiveCreateDirectory(folder, 0)
  return folders.join(folder, folders.wave_name(wish.request.name, wish.request.reqid:sub(-6)))
end

local function take_out(wish, project)
  local request, path = wish.request, free_content_path(wish)
  if wish.way == "stem" then
    local track = landing.track_by_guid(project, request.track_guid)
    if not track then return nil, messages.content_gone end
    return rendering.track(project, track, path, wish.form)
  end
  local take = reaper.GetMediaItemTakeByGUID(project, request.take_guid)
  if not take then return nil, messages.content_gone end
  if wish.way == "track" then
    return rendering.item_on_its_track(project, reaper.GetMediaItemTake_Item(take), path, wish.form)
  end
  if wish.way == "render" then return rendering.item(project, reaper.GetMediaItemTake_Item(take), path, wish.form) end
  local problem
  wish.reading, problem = reading.start(take, path, wish.form)
  return nil, problem
end

-- A path when the sound is there, nil while there is more to do, nil and the reason if it cannot be got.
local function extract(wish, project, deadline)
  if not wish.reading then return take_out(wish, project) end
  if not reaper.GetMediaItemTakeByGUID(project, wish.request.take_guid) then
    preparing.abandon(wish)
    return nil, messages.content_gone
  end
  local path, problem = reading.step(wish.reading, reaper.time_precise, deadline)
  if path or problem then wish.reading = nil end
  return path, problem
end

local function send(wish, project)
  local request = wish.request
  local folder = folders.split(request.ticket_path)
  reaper.RecursiveCreateDirectory(folder, 0)
  local is_kept, problem = projects.keep(project, request)
  if not is_kept then return nil, problem end
  local path
  path, problem = tickets.write(folder, tickets.build({
    reqid = request.reqid,
    project = wish.folder,
    content = wish.path,
    style = wish.style_path,
    start_seconds = wish.start_seconds,
    length_seconds = wish.length_seconds,
    preset = request.preset,
    params = wish.params,
    landing = request,
  }))
  if path then return true end
  projects.forget(project, request)
  return nil, problem
end

--- Do the next small piece of work for a wish.
-- @param wish as `asking` made it; what is under way is kept in it
-- @param deadline when to leave off, by REAPER's clock
-- @return true once its ticket is written; nil while there is more to do; nil and a sentence if it cannot be had
function preparing.step(wish, project, deadline)
  local request = wish.request
  if wish.way ~= "file" and not wish.path then
    local path, problem = extract(wish, project, deadline)
    if problem then return nil, messages.not_extracted:format(request.name, problem) end
    if not path then return nil end
    -- Its length is the file's own: the service takes a length of 0 for "to the end".
    wish.path, wish.start_seconds, wish.length_seconds, request.content_copy = path, 0.0, 0.0, path
  end
  local is_sent, problem = send(wish, project)
  if is_sent then
    reaper.Help_Set(messages.asked:format(request.name, request.preset), false)
    return true
  end
  if request.content_copy then os.remove(request.content_copy) end
  return nil, messages.ticket_failed:format(problem)
end

--- Leave no trace of a wish whose sound is being got.
function preparing.abandon(wish)
  if wish.reading then reading.abandon(wish.reading) end
  wish.reading = nil
end

return preparing
