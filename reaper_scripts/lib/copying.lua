-- @noindex
-- Copies a file a piece at a time, so that no tick takes long, and never over another file.

local folders = require("folders")

local copying = {}

-- A disk may be fast, or a network away: the pieces grow while they take little time, and shrink at once when one takes long.
local FEWEST_BYTES, MOST_BYTES = 2 ^ 12, 2 ^ 16
local SHORT_SECONDS, LONG_SECONDS = 0.0005, 0.002
local PATIENCE_SECONDS = 5 -- with a virus scanner or a cloud's client that holds a new file for a moment

local function is_there(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

local function free_path(folder, name)
  local stem, ending = name:match("^(.+)(%.[^.]*)$")
  stem, ending = stem or name, ending or ""
  local path, number = folders.join(folder, name), 1
  while is_there(path) do
    number = number + 1
    path = folders.join(folder, ("%s (%d)%s"):format(stem, number, ending))
  end
  return path
end

--- Begin to copy a file into a folder, which must exist.
-- @return a copy to give to `step`, or nil and the reason
function copying.start(source_path, folder)
  local _, name = folders.split(source_path)
  local reader, why = io.open(source_path, "rb")
  if not reader then return nil, why end
  local staged = free_path(folder, name .. ".part")
  local writer
  writer, why = io.open(staged, "wb")
  if not writer then
    reader:close()
    return nil, why
  end
  return { reader = reader, writer = writer, staged = staged, folder = folder, name = name, n_bytes = FEWEST_BYTES }
end

--- Leave no trace of a copy that was begun.
function copying.abandon(copy)
  if not copy.give_up_seconds then
    copy.reader:close()
    copy.writer:close()
  end
  os.remove(copy.staged)
end

local function give_name(copy, now)
  local path = free_path(copy.folder, copy.name)
  local is_renamed, why = os.rename(copy.staged, path)
  if is_renamed then return path end
  if now < copy.give_up_seconds then return nil end
  os.remove(copy.staged)
  return nil, why
end

local function finish(copy, now)
  copy.give_up_seconds = now + PATIENCE_SECONDS
  copy.reader:close()
  local is_closed, why = copy.writer:close()
  if is_closed then return give_name(copy, now) end
  os.remove(copy.staged)
  return nil, why
end

local function adapt(copy, seconds)
  if seconds < SHORT_SECONDS then
    copy.n_bytes = math.min(copy.n_bytes * 2, MOST_BYTES)
  elseif seconds > LONG_SECONDS then
    copy.n_bytes = math.max(copy.n_bytes * LONG_SECONDS / seconds // 1, FEWEST_BYTES)
  end
end

--- Go on copying for a while: one piece at least, and no further one that would take until after the deadline.
-- @param copy as `start` gave it
-- @param clock function that says the time in seconds
-- @param deadline when to stop, by that clock
-- @return the path of the finished copy; or nil while there is more to do; or nil and the reason if it failed
function copying.step(copy, clock, deadline)
  local now = clock()
  if copy.give_up_seconds then return give_name(copy, now) end
  local seconds
  repeat
    local piece = copy.reader:read(copy.n_bytes)
    if not piece then return finish(copy, now) end
    local is_written, why = copy.writer:write(piece)
    if not is_written then
      copying.abandon(copy)
      return nil, why
    end
    local before = now
    now = clock()
    seconds = now - before
    adapt(copy, seconds)
  until now + seconds >= deadline
  return nil
end

return copying
