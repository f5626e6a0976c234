-- @noindex
-- What the service says in its progress file: whether it is there, and how each job stands.

local folders = require("folders")
local json = require("json")

local progress = {}

local STALE_SECONDS = 10 -- it writes at least every 2 s

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  local table_of_state = json.decode(text or "")
  return type(table_of_state) == "table" and type(table_of_state.jobs) == "table" and table_of_state or nil
end

--- Read it.
-- @param state the service's state folder
-- @param now seconds since the epoch
-- @return table of state ("idle", "rendering", "paused", …; nil where no service runs), jobs (a list) and by_reqid
function progress.read(state, now)
  local found = read(folders.progress(state))
  local is_fresh = found and now - (tonumber(found.written) or 0) < STALE_SECONDS
  local seen = { state = is_fresh and found.state or nil, jobs = is_fresh and found.jobs or {}, by_reqid = {} }
  for _, job in ipairs(seen.jobs) do
    -- Jobs that are not over come first, and count.
    if type(job.reqid) == "string" and job.reqid ~= "" then seen.by_reqid[job.reqid] = seen.by_reqid[job.reqid] or job end
  end
  return seen
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
