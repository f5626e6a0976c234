-- @noindex
-- Writes a WAV file of 32-bit floats a piece at a time; it bears its name once it is whole.

local wave = {}

local FLOAT, BYTES_PER_VALUE, HEADER_BYTES = 3, 4, 58
local MAX_BYTES = 2 ^ 32 - 1
local PIECE_VALUES = 200 -- Lua hands over a few hundred values at once, not thousands

local function header(form)
  local data_bytes = form.n_samples * form.n_channels * BYTES_PER_VALUE
  local frame_bytes = form.n_channels * BYTES_PER_VALUE
  local format = string.pack(
    "<I2I2I4I4I2I2I2", FLOAT, form.n_channels, form.sample_rate, form.sample_rate * frame_bytes, frame_bytes, 32, 0
  )
  return string.pack("<c4I4c4c4s4", "RIFF", HEADER_BYTES - 8 + data_bytes, "WAVE", "fmt ", format)
    .. string.pack("<c4I4I4c4I4", "fact", 4, form.n_samples, "data", data_bytes)
end

--- Whether a WAV file can hold so much.
-- @param form table of sample_rate (Hz), n_channels and n_samples (of each channel), all whole numbers
function wave.can_hold(form)
  return form.n_samples * form.n_channels * BYTES_PER_VALUE + HEADER_BYTES <= MAX_BYTES
end

--- Begin a file.
-- @param path where it will be once `finish` was called
-- @param form as for `can_hold`
-- @return a writer, or nil and the reason
function wave.create(path, form)
  local staged = path .. ".part"
  local file, why = io.open(staged, "wb")
  if not file then return nil, why end
  local writer = { file = file, path = path, staged = staged, values_left = form.n_samples * form.n_channels }
  local is_written
  is_written, why = file:write(header(form))
  if is_written then return writer end
  wave.abandon(writer)
  return nil, why
end

--- Add samples.
-- @param values list of numbers, the channels of a sample one after the other
-- @param n_values how many of them
-- @return whether they could be written, else nil and the reason
function wave.write(writer, values, n_values)
  local pieces = {}
  for first = 1, n_values, PIECE_VALUES do
    local last = math.min(first + PIECE_VALUES - 1, n_values)
    pieces[#pieces + 1] = string.pack("<" .. ("f"):rep(last - first + 1), table.unpack(values, first, last))
  end
  writer.values_left = writer.values_left - n_values
  local is_written, why = writer.file:write(table.concat(pieces))
  return is_written and true, why
end

--- Give the file its name.
-- @return its path, or nil and the reason
function wave.finish(writer)
  local is_closed, why = writer.file:close()
  if is_closed and writer.values_left ~= 0 then
    is_closed, why = nil, ("%d values are missing"):format(writer.values_left)
  end
  local is_renamed = is_closed
  if is_closed then
    is_renamed, why = os.rename(writer.staged, writer.path)
  end
  if is_renamed then return writer.path end
  os.remove(writer.staged)
  return nil, why
end

--- Leave no trace of a file that was begun.
function wave.abandon(writer)
  writer.file:close()
  os.remove(writer.staged)
end

return wave
