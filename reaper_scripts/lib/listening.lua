-- @noindex
-- Hears of remixes that this run of a script did not ask for, and tells the service whether REAPER records.

local content = require("content")
local folders = require("folders")
local progress = require("progress")
local projects = require("projects")
local sending = require("sending")
local tickets = require("tickets")

local listening = {}

local LOOK_SECONDS, TELL_SECONDS, SWEEP_SECONDS = 0.5, 1.0, 5.0
local OURS = "^reaper%-"

-- Answers to requests whose project was closed unsaved, so that it does not remember them; the answer does.
local function left_behind()
  local found = {}
  for project, file in projects.each_open() do
    local folder = file ~= "" and folders.split(file)
    if folder then
      local results = folders.results(folder)
      reaper.EnumerateFiles(results, -1) -- drops REAPER's cache of the folder
      local index = 0
      local name = reaper.EnumerateFiles(results, index)
      while name do
        local result = name:match(OURS) and tickets.read_result(folders.join(results, name))
        local request = result and result.reaper
        if type(request) == "table" and request.reqid and request.look and request.project_file == file then
          request.result_path, request.is_unkept = folders.join(results, name), true
          if not projects.is_kept(project, request) then found[#found + 1] = request end
        end
        index = index + 1
        name = reaper.EnumerateFiles(results, index)
      end
    end
  end
  return found
end

--- The requests of earlier runs, in all open projects.
function listening.left_over()
  local found = projects.pending()
  for _, request in ipairs(left_behind()) do found[#found + 1] = request end
  return found
end

--- Begin to listen.
-- @param state the service's state folder
function listening.open(state, now)
  return {
    sender = sending.open(state), since = os.time(), done = {}, was_recording = false,
    look_due = now, tell_due = now, sweep_due = now + SWEEP_SECONDS,
  }
end

--- Stop listening; a service that was told of a recording is told that it is over.
function listening.close(listener)
  if listener.was_recording then sending.send(listener.sender, "/daw_bridge/transport", 0) end
  sending.close(listener.sender)
end

local function is_recording_anywhere()
  for project in projects.each_open() do
    if projects.is_recording(project) then return true end
  end
  return false
end

local function tell(listener)
  local is_recording = is_recording_anywhere()
  -- Without a socket a message is a file: then silence says that nothing is recorded, after the one that says it ended.
  if listener.sender.udp or is_recording or listener.was_recording then
    local is_told = sending.send(listener.sender, "/daw_bridge/transport", is_recording and 1 or 0)
    listener.was_recording = is_recording or (listener.was_recording and not is_told)
  end
end

local function same_folder(one, other)
  local function plain(path) return (path:gsub("\\", "/"):gsub("/+$", "")) end
  return plain(one) == plain(other)
end

local function project_of(job)
  for project, file in projects.each_open() do
    local folder = file ~= "" and folders.split(file)
    if folder and same_folder(folder, job.project) then return project, file end
  end
  return nil
end

local function name_of(path)
  local _, name = folders.split(path)
  return (name:gsub("%.[^.]*$", ""))
end

local function request_of(job)
  local project, file = project_of(job)
  if not project then return nil end
  local request = content.landing_of_file(project, job.content, job.start_seconds or 0, job.length_seconds)
  request.reqid = "job-" .. job.job
  request.file, request.is_unkept = job.file, true
  request.preset = job.preset
  request.name = name_of(job.content)
  request.lands_as = "track"
  request.project_file = file
  request.asked_at = os.time()
  return request
end

-- What other clients asked for and is done since the listening began. Ours come by their answers.
local function others(listener)
  local found = {}
  for _, job in ipairs(progress.read(listener.sender.state, os.time()).jobs) do
    local is_news = job.state == "done" and (tonumber(job.ended) or 0) >= listener.since and not listener.done[job.job]
    if is_news and job.file and not job.reqid:match(OURS) then
      local request = request_of(job)
      if request then
        listener.done[job.job] = true
        found[#found + 1] = request
      end
    end
  end
  return found
end

--- Do what is due.
-- @return list of requests to wait for, some of them waited for already
function listening.step(listener, now)
  if now >= listener.tell_due then
    listener.tell_due = now + TELL_SECONDS
    tell(listener)
  end
  if now < listener.look_due then return {} end
  listener.look_due = now + LOOK_SECONDS
  local found = projects.pending()
  for _, request in ipairs(others(listener)) do found[#found + 1] = request end
  if now >= listener.sweep_due then
    listener.sweep_due = now + SWEEP_SECONDS
    for _, request in ipairs(left_behind()) do found[#found + 1] = request end
  end
  return found
end

return listening
