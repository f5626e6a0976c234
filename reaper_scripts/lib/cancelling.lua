-- @noindex
-- Giving a request up: before the service took it, or after.

local folders = require("folders")
local messages = require("messages")
local progress = require("progress")
local sending = require("sending")
local tickets = require("tickets")

local cancelling = {}

--- Give a request up. What the service has begun ends with an answer, which whoever waits for it collects.
-- @param sender of `sending`
-- @return a sentence: what became of it
function cancelling.cancel(request, sender)
  if os.remove(request.ticket_path) then -- the service had not taken it, so the answer is ours to give
    local folder = folders.split(request.result_path)
    reaper.RecursiveCreateDirectory(folder, 0)
    tickets.write(folder, { schema = 1, reqid = request.reqid, state = "cancelled" })
    return messages.cancelled:format(request.name)
  end
  local job = progress.read(sender.state, os.time(), { request.reqid }).by_reqid[request.reqid]
  if not job then return messages.not_cancelled:format(request.name, "the service does not know it now") end
  local is_sent, problem = sending.send(sender, "/daw_bridge/cancel", job.job)
  if is_sent then return messages.cancelling:format(request.name) end
  return messages.not_cancelled:format(request.name, problem)
end

--- Which of some requests the user wants to give up: the one there is, else by a menu.
-- @return list of requests, empty if the menu was closed
function cancelling.choose(requests)
  if #requests < 2 then return requests end
  table.sort(requests, function(a, b) return (a.asked_at or 0) < (b.asked_at or 0) end)
  local rows = {}
  for index, request in ipairs(requests) do rows[index] = (request.name:gsub("|", "/"):gsub("^[#!<>]+", "")) end
  gfx.init("daw_bridge", 0, 0, 0, 0, 0) -- a menu needs a window, however small
  gfx.x, gfx.y = gfx.mouse_x, gfx.mouse_y
  local row = gfx.showmenu(table.concat(rows, "|") .. "||All of them")
  gfx.quit()
  if row == #requests + 1 then return requests end
  return { requests[row] }
end

return cancelling
