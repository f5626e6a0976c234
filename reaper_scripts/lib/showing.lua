-- @noindex
-- What the window shows of a run: a row for each remix that is on its way, the first ones of many.

local cancelling = require("cancelling")
local messages = require("messages")
local preparing = require("preparing")
local progress = require("progress")
local tickets = require("tickets")
local window = require("window")

local showing = {}

local NEXT_TICK = 0

--- Open the window of a run.
function showing.open(run)
  run.shown = {}
  run.window = window.open(#run.wishes + #run.all)
end

local function requests_of(run)
  local found = {}
  for index = 1, math.min(#run.wishes, window.MAX_ROWS) do found[index] = run.wishes[index].request end
  for _, waiting in ipairs(run.all) do
    if #found == window.MAX_ROWS then break end
    if not waiting.peaks then found[#found + 1] = waiting.request end
  end
  return found
end

local function rows_of(run)
  run.shown, run.previews = requests_of(run), {}
  local wanted = {}
  for index, request in ipairs(run.shown) do wanted[index] = request.reqid end
  local seen = progress.read(run.state, os.time(), wanted)
  local rows = {}
  for index, request in ipairs(run.shown) do
    local words, fraction, job
    if index <= #run.wishes then
      words, fraction = "its sound is taken out", 0
    else
      job = seen.by_reqid[request.reqid]
      words, fraction = progress.words(seen, job, tickets.is_waiting(request.ticket_path or ""))
    end
    run.previews[index] = job and job.preview
    rows[index] = { name = request.name, words = words, fraction = fraction, can_hear = run.previews[index] ~= nil }
  end
  run.headline = messages.nothing_on_its_way:format(seen.state or "not running")
  return rows
end

local function give_up(run, request)
  for index, wish in ipairs(run.wishes) do
    if wish.request == request then
      preparing.abandon(wish)
      table.remove(run.wishes, index)
      return
    end
  end
  reaper.Help_Set(cancelling.cancel(request, run.sender), false)
end

--- Show how a run stands, and do what the user clicks; the window closes by itself when nothing is on its way.
-- @return how many seconds until the next time; nil where no window is open
function showing.step(run, now)
  if not run.window or not run.window.is_open then return nil end
  if #run.wishes == 0 and #run.all == 0 and not run.stays then
    window.close(run.window)
    return nil
  end
  local clicked, number = window.step(run.window, now, function() return rows_of(run) end, run.headline or "")
  if clicked == "give up" then give_up(run, run.shown[number]) end
  -- The Media Explorer plays it without a change of the project.
  if clicked == "hear" and reaper.file_exists(run.previews[number]) then
    reaper.OpenMediaExplorer(run.previews[number], true)
  end
  return run.window.is_open and NEXT_TICK or nil
end

--- Close the window, if there is one.
function showing.close(run)
  if run.window then window.close(run.window) end
end

return showing
