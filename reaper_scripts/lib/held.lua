-- @noindex
-- Things that are changed for a moment and put back whatever happens.

local held = {}

local function put_back(kept)
  for index = #kept, 1, -1 do
    local restore = kept[index]
    -- One that fails is tried once more, and never keeps the others from being put back.
    if not pcall(restore) then pcall(restore) end
  end
end

--- Run something while things are changed, all in one tick.
-- @param things list of tables of `get` (function: the value now) and `set` (function of a value), and the value to `hold`
-- @param action function to run meanwhile
-- @return what `action` returned; or nil and the error's message
function held.run(things, action)
  local kept = {}
  local is_done, outcome = pcall(function()
    local before = {}
    for index, thing in ipairs(things) do before[index] = thing.get() end
    for index, thing in ipairs(things) do
      kept[#kept + 1] = function() thing.set(before[index]) end
      thing.set(thing.hold)
    end
    return action()
  end)
  put_back(kept)
  if is_done then return outcome end
  return nil, tostring(outcome)
end

return held
