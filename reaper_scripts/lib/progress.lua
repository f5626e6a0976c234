-- @noindex
-- What the service says in its progress file: whether it is there, and how each job stands.

local folders = require("folders")
local json = require("json")

local progress = {}

local STALE_SECONDS = 10 -- it writes at least every 2 s

-- The service writes a line for what it does, then one for each job: only those that matter are decoded, however many there are.
local function read(path, now, is_wanted)
  local seen = { state = nil, jobs = {} }
  local file = io.open(path, "rb")
  if not file then return seen end
  local head = json.decode((file:read("l") or "") .. "]}")
  if type(head) == "table" and now - (tonumber(head.written) or 0) < STALE_SECONDS then
    seen.state = head.state
    for line in file:lines() do
      local job = is_wanted(line) and json.decode((line:gsub(",$", "")))
      if type(job) == "table" and type(job.reqid) == "string" then seen.jobs[#seen.jobs + 1] = job end
    end
  end
  file:close()
  return seen
end

--- Read how some requests stand.
-- @param state the service's state folder
-- @param now seconds since the epoch
-- @param reqids list of them
-- @return table of state ("idle", "rendering", "paused", …; nil where no service runs) and by_reqid
function progress.read(state, now, reqids)
  local function is_wanted(line)
    for _, reqid in ipairs(reqids) do
      if line:find(reqid, 1, true) then return true end
    end
    return false
  end
  local found = read(folders.progress(state), now, is_wanted)
  local seen = { state = found.state, by_reqid = {} }
  for _, job in ipairs(found.jobs) do
    seen.by_reqid[job.reqid] = seen.by_reqid[job.reqid] or job -- jobs that are not over come first, and count
  end
  return seen
end

--- The jobs that were done of late, whoever asked for them.
function progress.read_done(state, now)
  return read(folders.progress(state), now, function(line) return line:find('"state": "done"', 1, true) end).jobs
end

--- How a request stands, in words and as a fraction.
-- @param job of the progress file, or nil
-- @param is_ticket_waiting whether the service has yet to take the request
-- @return a text and a number from 0 to 1
function progress.words(seen, job, is_ticket_waiting)
  if not seen.state then return "waits for daw-bridge serve", 0 end
  if is_ticket_waiting or not job then return "asked for", 0 end
  if job.state == "queued" then
    if seen.state == "paused" then return "waits, paused", 0 end
    return job.position and ("queued, place %d"):format(job.position) or "queued", 0
  end
  if job.state == "done" then return "done, comes in", 1 end
  if job.state == "failed" or job.state == "cancelled" then return job.state, 0 end
  local fraction = math.min(math.max(tonumber(job.fraction) or 0, 0), 1)
  local phase = seen.state == "paused" and "paused" or job.phase ~= "" and job.phase or job.state
  return ("%s, %d %%"):format(phase, math.floor(fraction * 100)), fraction
end

return progress
