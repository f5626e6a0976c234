-- What the work of scripts would cost on a slow computer, in seconds: counted, not measured, so that it is the same everywhere.

local costs = {}

-- Several times what a laptop of today needs for each.
local SECONDS_OF = {
  call = 2e-6, -- of a function of REAPER's
  instructions = 20e-6, -- a thousand of Lua's
  opening = 0.3e-3, -- a file opened, renamed or removed, with a virus scanner looking on
  byte = 1e-8, -- read or written: 100 MB a second
  entry = 2e-6, -- of a folder that is listed
  block = 0.3e-3, -- of samples from an accessor that stretches
}

local function counting_file(file, count)
  local counted = {}
  local function noted(data)
    if type(data) == "string" then count("byte", #data) end
    return data
  end
  function counted.read(_, what)
    local data, why = file:read(what)
    return noted(data), why
  end
  function counted.lines()
    local next_line = file:lines()
    return function() return noted(next_line()) end
  end
  function counted.write(_, ...)
    for _, data in ipairs({ ... }) do noted(data) end
    local is_written, why = file:write(...)
    return is_written and counted, why
  end
  function counted.close() return file:close() end
  return counted
end

--- Begin to count; what the simulation itself does is left out.
-- @param lua the globals of the scripts
-- @param byte_seconds what a byte costs that is read or written on another disk, or nil
-- @return table of functions: count (kind, how many), seconds (so far), pause and go_on (round a call of REAPER's); and of
--   byte_seconds, which a test may change
function costs.watch(lua, byte_seconds)
  local seconds = 0.0
  local watch = { byte_seconds = byte_seconds or SECONDS_OF.byte }
  function watch.count(kind, n) seconds = seconds + (kind == "byte" and watch.byte_seconds or SECONDS_OF[kind]) * n end
  function watch.seconds() return seconds end
  function watch.pause() debug.sethook() end
  function watch.go_on()
    debug.sethook(function() watch.count("instructions", 1) end, "", 1000)
  end
  local open, rename, remove = lua.io.open, lua.os.rename, lua.os.remove
  function lua.io.open(...)
    watch.count("opening", 1)
    local file, why = open(...)
    return file and counting_file(file, watch.count), why
  end
  function lua.os.rename(...)
    watch.count("opening", 1)
    return rename(...)
  end
  function lua.os.remove(...)
    watch.count("opening", 1)
    return remove(...)
  end
  return watch
end

return costs
