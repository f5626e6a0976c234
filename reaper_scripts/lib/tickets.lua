-- @noindex
-- Tickets and their answers: files that appear whole or not at all.

local folders = require("folders")
local json = require("json")

local tickets = {}

--- The request as the service reads it.
-- @param asked table of reqid, project (folder), content, style, start_seconds, length_seconds, preset, params and landing
--   (a table that comes back unread with the answer)
function tickets.build(asked)
  return {
    schema = 1,
    reqid = asked.reqid,
    project = asked.project,
    content = asked.content,
    style = asked.style,
    start_seconds = asked.start_seconds,
    length_seconds = asked.length_seconds,
    preset = asked.preset,
    params = asked.params,
    reaper = asked.landing,
  }
end

--- Write a ticket under a temporary name and give it its own in one step.
-- @param folder the tickets folder, which must exist
-- @return the ticket's path, or nil and the reason
function tickets.write(folder, ticket)
  local text, problem = json.encode(ticket)
  if not text then return nil, problem end
  local path = folders.join(folder, ticket.reqid .. ".json")
  local staged = folders.join(folder, "." .. ticket.reqid .. ".tmp")
  local file, why = io.open(staged, "wb")
  if not file then return nil, why end
  local is_written
  is_written, why = file:write(text, "\n")
  local is_closed, why_not_closed = file:close()
  if is_written and is_closed then
    local is_renamed
    is_renamed, why = os.rename(staged, path)
    if is_renamed then return path end
  end
  os.remove(staged)
  return nil, why or why_not_closed
end

--- Whether a ticket or an answer has yet to be taken.
function tickets.is_waiting(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

--- Read the answer to a request. It is opened by its name, without a listing, so REAPER's cache of folders does not matter.
-- @return the table; or nil while there is none; or nil and a message if it cannot be read
function tickets.read_result(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  local result, problem = json.decode(text or "")
  if type(result) == "table" and type(result.state) == "string" then return result end
  return nil, problem or "it states no outcome"
end

return tickets
