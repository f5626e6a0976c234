-- @noindex
-- What a script does after the asking: gets sounds ready, waits for answers and lands them, a little in each tick.

local answers = require("answers")
local collecting = require("collecting")
local leaving = require("leaving")
local listening = require("listening")
local messages = require("messages")
local preparing = require("preparing")
local projects = require("projects")
local sending = require("sending")
local showing = require("showing")
local ticks = require("ticks")

local running = {}

local POLL_SECONDS = 0.5
local NEXT_TICK = 0
local SWEEP_SECONDS = 5.0
local BUDGET_SECONDS = 0.008 -- for all that a tick does in pieces; with the longest piece it must stay under 20 ms

local function report(trace) reaper.ShowConsoleMsg(messages.defect:format(trace)) end

local function wait_for(run, request, now)
  if run.known[request.reqid] then return end
  run.known[request.reqid], run.has_news = true, true
  run.all[#run.all + 1] = { request = request, since_seconds = now, due_seconds = now }
end

-- Whether a wish is done with, and whether its ticket was written.
local function prepare_one(run, wish, project, now, deadline)
  local is_fine, is_sent, problem = xpcall(preparing.step, debug.traceback, wish, project, deadline)
  if not is_fine then
    report(is_sent)
    preparing.abandon(wish)
    return true, false
  end
  if is_sent then wait_for(run, wish.request, now) end
  if problem then reaper.ShowMessageBox(problem, messages.title, 0) end
  return is_sent or problem ~= nil, is_sent
end

-- One wish after the other, so that the service gets them in the user's order.
local function prepare(run, now, deadline)
  local rest_seconds
  while #run.wishes > 0 and not rest_seconds do
    local wish = run.wishes[1]
    local project = projects.find(wish.request)
    if not project or wish.way ~= "file" and projects.is_recording(project) then
      rest_seconds = POLL_SECONDS
    else
      local is_over, is_sent = prepare_one(run, wish, project, now, deadline)
      if is_over then table.remove(run.wishes, 1) end
      run.is_knock_due = run.is_knock_due or is_sent
      if not is_over or reaper.time_precise() >= deadline then rest_seconds = NEXT_TICK end
    end
  end
  return #run.wishes > 0 and rest_seconds or nil
end

-- Whether there is more to do for it. One that failed stays in its project, for the next run of a script.
local function collect_one(waiting, now, deadline)
  local is_fine, rest_seconds = xpcall(collecting.step, debug.traceback, waiting, now, deadline)
  if not is_fine then
    report(rest_seconds)
    collecting.abandon(waiting)
    return false
  end
  waiting.due_seconds = now + (rest_seconds or 0)
  return rest_seconds ~= nil
end

local function collect(run, now, deadline)
  run.has_news = false
  local index, is_late = 1, false
  while index <= #run.all and not is_late do
    local waiting = run.all[index]
    local is_due = now >= waiting.due_seconds
    if is_due and not collect_one(waiting, now, deadline) then
      table.remove(run.all, index)
    else
      index = index + 1
    end
    is_late = is_due and reaper.time_precise() >= deadline -- the others have their turn in a later tick
  end
  local rest_seconds
  for _, waiting in ipairs(run.all) do
    local rest = math.max(waiting.due_seconds - now, NEXT_TICK)
    rest_seconds = math.min(rest_seconds or rest, rest)
  end
  return rest_seconds
end

-- Once when a script starts, and now and then while it listens.
local function sweep(run, now, deadline)
  if not run.search then
    if now < run.sweep_due then return run.sweep_due - now end
    run.search = answers.start(run.read_answers)
  end
  for _, request in ipairs(answers.step(run.search, deadline)) do wait_for(run, request, now) end
  if not run.search.is_over then return NEXT_TICK end
  run.search = nil
  run.sweep_due = run.listener and now + SWEEP_SECONDS or math.huge
  return run.listener and SWEEP_SECONDS or nil
end

local function listen(run, now)
  if not run.listener then return nil end
  for _, request in ipairs(listening.step(run.listener, now)) do wait_for(run, request, now) end
  return POLL_SECONDS / 2
end

-- To begin a process takes long on some systems.
local function knock(run)
  if run.is_knock_due then sending.knock(run.sender) end
  run.is_knock_due = false
  return nil
end

local PARTS = { prepare, knock, listen, collect, showing.step, sweep }

-- The parts have their turns in a circle: where a tick has no time left for one, that one begins the next. So no tick takes
-- longer than its budget and the longest piece that cannot be divided, and no part waits for ever.
local function step(run, now)
  local deadline = now + BUDGET_SECONDS
  for _ = 1, #PARTS do
    local rest_seconds = PARTS[run.turn](run, now, deadline)
    run.due_seconds[run.turn] = now + (rest_seconds or math.huge)
    run.turn = run.turn % #PARTS + 1
    if reaper.time_precise() >= deadline then break end
  end
  if run.has_news then return NEXT_TICK end
  local soonest_seconds = math.min(table.unpack(run.due_seconds))
  return soonest_seconds < math.huge and math.max(soonest_seconds - now, NEXT_TICK) or nil
end

local function close(run)
  for _, wish in ipairs(run.wishes) do preparing.abandon(wish) end
  if not run.is_broken then leaving.leave(run.wishes) end -- else the next one might break by them, too
  for _, waiting in ipairs(run.all) do collecting.abandon(waiting) end
  showing.close(run)
  if run.listener then listening.close(run.listener) end
  sending.close(run.sender)
end

--- Work and wait, without holding REAPER up, until nothing is outstanding (a listener and a status window until closed).
-- Requests that earlier runs left in the open projects are taken along, and wishes that they did not get to.
-- @param configuration of `asking`
-- @param options table of wishes (list, or nil), has_window, stays (the window stays when nothing is on its way) and listens
function running.run(configuration, options)
  local now = reaper.time_precise()
  local wishes = leaving.take()
  for _, wish in ipairs(options.wishes or {}) do wishes[#wishes + 1] = wish end
  local run = {
    state = configuration.state, sender = sending.open(configuration.state, configuration.command),
    wishes = wishes, all = {}, known = {}, read_answers = {}, sweep_due = now, stays = options.stays,
    turn = 1, due_seconds = {},
  }
  for turn = 1, #PARTS do run.due_seconds[turn] = now end
  for _, request in ipairs(projects.pending()) do wait_for(run, request, now) end
  if options.listens then run.listener = listening.open(run.sender, now) end
  if options.has_window and (run.stays or #run.wishes > 0) then showing.open(run) end
  reaper.atexit(function() close(run) end)
  ticks.run(function(time) return step(run, time) end, function(trace)
    run.is_broken = true
    report(trace)
  end)
end

return running
