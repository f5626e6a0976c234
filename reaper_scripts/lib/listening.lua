-- @noindex
-- Hears of remixes that this run of a script did not ask for, and tells the service whether REAPER records.

local folders = require("folders")
local progress = require("progress")
local projects = require("projects")
local sending = require("sending")

local listening = {}

local LOOK_SECONDS, TELL_SECONDS = 0.5, 1.0
local OURS = "^reaper%-"

--- Begin to listen.
-- @param sender of `sending`
function listening.open(sender, now)
  return { sender = sender, since = os.time(), done = {}, was_recording = false, look_due = now, tell_due = now }
end

--- Stop listening; a service that was told of a recording is told that it is over.
function listening.close(listener)
  if listener.was_recording then sending.send(listener.sender, "/daw_bridge/transport", 0) end
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
  if is_recording or listener.was_recording or sending.has_socket(listener.sender) then
    local is_told = sending.send(listener.sender, "/daw_bridge/transport", is_recording and 1 or 0)
    listener.was_recording = is_recording or (listener.was_recording and not is_told)
  end
end

local function project_of(job)
  local system = folders.system(reaper.GetOS())
  for project, file in projects.each_open() do
    local folder = file ~= "" and folders.split(file)
    if folder and folders.plain(folder, system) == folders.plain(job.project, system) then return project, file end
  end
  return nil
end

local function name_of(path)
  local _, name = folders.split(path)
  return (name:gsub("%.[^.]*$", ""))
end

-- Where it goes is looked for when it lands.
local function request_of(job)
  local project, file = project_of(job)
  if not project then return nil end
  return {
    reqid = "job-" .. job.job,
    file = job.file,
    is_unkept = true,
    preset = job.preset,
    name = name_of(job.content),
    lands_as = "track",
    project_file = file,
    asked_at = os.time(),
    part = { content = job.content, start_seconds = job.start_seconds or 0, length_seconds = job.length_seconds },
  }
end

-- What other clients asked for and is done since the listening began. Ours come by their answers.
local function others(listener)
  local found = {}
  for _, job in ipairs(progress.read_done(listener.sender.state, os.time())) do
    local is_news = (tonumber(job.ended) or 0) >= listener.since and not listener.done[job.job]
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
  return found
end

return listening
