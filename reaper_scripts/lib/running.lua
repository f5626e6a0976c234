-- @noindex
-- What a script does after the asking: gets sounds ready, waits for answers and lands them, a little in each tick.

local cancelling = require("cancelling")
local collecting = require("collecting")
local listening = require("listening")
local messages = require("messages")
local preparing = require("preparing")
local progress = require("progress")
local projects = require("projects")
local sending = require("sending")
local tickets = require("tickets")
local ticks = require("ticks")
local window = require("window")

local running = {}

local POLL_SECONDS = 0.5
local NEXT_TICK = 0
local BUDGET_SECONDS = 0.01

local function report(trace) reaper.ShowConsoleMsg(messages.defect:format(trace)) end

local function wait_for(run, request, now)
  if run.known[request.reqid] then return end
  run.known[request.reqid] = true
  run.all[#run.all + 1] = { request = request, since_seconds = now, due_seconds = now }
end

-- One wish after the other, so that the service gets them in the user's order.
local function prepare(run, now)
  while #run.wishes > 0 do
    local wish = run.wishes[1]
    local project = projects.find(wish.request)
    if not project or wish.way ~= "file" and projects.is_recording(project) then return POLL_SECONDS end
    local is_fine, is_sent, problem = xpcall(preparing.step, debug.traceback, wish, project)
    if not is_fine then
      report(is_sent)
      preparing.abandon(wish)
      table.remove(run.wishes, 1)
    elseif problem then
      table.remove(run.wishes, 1)
      reaper.ShowMessageBox(problem, messages.title, 0)
    elseif is_sent then
      table.remove(run.wishes, 1)
      wait_for(run, wish.request, now)
    end
    local is_under_way = not is_sent and not problem
    if is_under_way or reaper.time_precise() - now > BUDGET_SECONDS then return NEXT_TICK end
  end
  return nil
end

-- Whether there is more to do for it. One that failed stays in its project, for the next run of a script.
local function collect_one(waiting, now)
  local is_fine, rest_seconds = xpcall(collecting.step, debug.traceback, waiting, now)
  if not is_fine then
    report(rest_seconds)
    collecting.abandon(waiting)
    return false
  end
  waiting.due_seconds = now + (rest_seconds or 0)
  return rest_seconds ~= nil
end

local function collect(run, now)
  local index, is_late = 1, false
  while index <= #run.all and not is_late do
    local waiting = run.all[index]
    local is_due = now >= waiting.due_seconds
    if is_due and not collect_one(waiting, now) then
      table.remove(run.all, index)
    else
      index = index + 1
    end
    is_late = is_due and reaper.time_precise() - now > BUDGET_SECONDS -- the others have their turn in a later tick
  end
end

local function rest_of(run, now)
  local rest_seconds
  for _, waiting in ipairs(run.all) do
    local rest = math.max(waiting.due_seconds - now, NEXT_TICK)
    rest_seconds = math.min(rest_seconds or rest, rest)
  end
  return rest_seconds
end

local function requests_of(run)
  local found = {}
  for _, wish in ipairs(run.wishes) do found[#found + 1] = wish.request end
  for _, waiting in ipairs(run.all) do
    if not waiting.peaks then found[#found + 1] = waiting.request end
  end
  return found
end

local function rows_of(run)
  local seen = progress.read(run.state, os.time())
  local rows = {}
  run.shown = requests_of(run)
  for index, request in ipairs(run.shown) do
    local words, fraction
    if index <= #run.wishes then
      words, fraction = "its sound is taken out", 0
    else
      words, fraction = progress.words(seen, seen.by_reqid[request.reqid], tickets.is_waiting(request.ticket_path or ""))
    end
    rows[index] = { name = request.name, words = words, fraction = fraction }
  end
  run.headline = messages.nothing_on_its_way:format(seen.state or "not running")
  return rows
end

local function give_up(run, request)
  if run.wishes[1] and run.wishes[1].request == request then preparing.abandon(run.wishes[1]) end
  for index = #run.wishes, 1, -1 do
    if run.wishes[index].request == request then return table.remove(run.wishes, index) end
  end
  run.sender = run.sender or sending.open(run.state)
  reaper.Help_Set(cancelling.cancel(request, run.sender), false)
  return nil
end

local function show(run, now)
  if not run.window or not run.window.is_open then return nil end
  local clicked = window.step(run.window, now, function() return rows_of(run) end, run.headline or "")
  if clicked and run.shown[clicked] then give_up(run, run.shown[clicked]) end
  if run.window.is_open then return NEXT_TICK end
  return nil
end

local function step(run, now)
  if run.listener then
    for _, request in ipairs(listening.step(run.listener, now)) do wait_for(run, request, now) end
  end
  local soonest = prepare(run, now)
  collect(run, now)
  local rest_seconds = rest_of(run, now)
  if #run.wishes == 0 and #run.all == 0 and not run.stays and run.window then window.close(run.window) end
  local shown = show(run, now)
  for _, rest in ipairs({ rest_seconds or false, shown or false, run.listener and POLL_SECONDS / 2 or false }) do
    if rest then soonest = math.min(soonest or rest, rest) end
  end
  return soonest
end

local function close(run)
  for _, wish in ipairs(run.wishes) do preparing.abandon(wish) end
  for _, waiting in ipairs(run.all) do collecting.abandon(waiting) end
  if run.window then window.close(run.window) end
  if run.listener then listening.close(run.listener) end
  if run.sender then sending.close(run.sender) end
end

--- Work and wait, without holding REAPER up, until nothing is outstanding (a listener and a status window until closed).
-- Requests that earlier runs left in the open projects are taken along.
-- @param options table of state (the service's folder), wishes (list, or nil), has_window, stays (the window stays when nothing
--   is on its way) and listens
function running.run(options)
  local now = reaper.time_precise()
  local run = { state = options.state, wishes = options.wishes or {}, all = {}, known = {}, shown = {}, stays = options.stays }
  for _, request in ipairs(listening.left_over()) do wait_for(run, request, now) end
  if options.listens then run.listener = listening.open(options.state, now) end
  if options.has_window and (run.stays or #run.wishes > 0) then run.window = window.open(#run.wishes + #run.all) end
  reaper.atexit(function() close(run) end)
  ticks.run(function(time) return step(run, time) end, report)
end

return running
