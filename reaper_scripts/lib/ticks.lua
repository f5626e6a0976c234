-- @noindex
-- Work that goes on while REAPER does: a step every so often, none of which can die unseen.

local ticks = {}

--- Call a step from REAPER's defer until it has nothing more to do.
-- The first comes a tick later: this one has had the loading of the script and what it asked the user.
-- @param step function of the time in seconds; returns how many seconds it wants to rest (0 for the next tick), nil to stop
-- @param on_error function of the traceback of a step that failed; no further step follows
function ticks.run(step, on_error)
  local due_seconds = reaper.time_precise()
  local tick
  local function guarded()
    local now = reaper.time_precise()
    if now < due_seconds then return reaper.defer(tick) end
    local rest_seconds = step(now)
    if not rest_seconds then return nil end
    due_seconds = now + rest_seconds
    return reaper.defer(tick)
  end
  tick = function()
    local is_fine, trace = xpcall(guarded, debug.traceback)
    if not is_fine then on_error(trace) end
  end
  reaper.defer(tick)
end

return ticks
