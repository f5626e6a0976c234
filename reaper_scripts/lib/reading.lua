-- @noindex
-- Reads what a take sounds like, as REAPER plays it (reversed, looped, stretched), into a file: a little in each tick.

local wave = require("wave")

local reading = {}

local BLOCK_SAMPLES = 2048

--- Begin to read a take.
-- An accessor is no pointer into the project but a thing of our own, and must outlive a tick: what is stretched would not join
-- seamlessly if each tick began anew. It is let go of by `finish` or `abandon`.
-- @param take good for this tick alone
-- @param path the file to be
-- @param form table of sample_rate (Hz), n_channels, n_samples
-- @return a state for `step`, or nil and the reason
function reading.start(take, path, form)
  local writer, why = wave.create(path, form)
  if not writer then return nil, why end
  local accessor = reaper.CreateTakeAudioAccessor(take)
  if not accessor then
    wave.abandon(writer)
    return nil, "REAPER does not let its sound be read"
  end
  return { accessor = accessor, writer = writer, form = form, at = 0, buffer = reaper.new_array(BLOCK_SAMPLES * form.n_channels) }
end

--- Let go of everything, with no trace left.
function reading.abandon(state)
  wave.abandon(state.writer)
  reaper.DestroyAudioAccessor(state.accessor)
end

local function read_block(state)
  local form = state.form
  local n_samples = math.min(BLOCK_SAMPLES, form.n_samples - state.at)
  local n_values = n_samples * form.n_channels
  local start_seconds = reaper.GetAudioAccessorStartTime(state.accessor) + state.at / form.sample_rate
  state.buffer.clear() -- where there is no sound, it is not written to
  local outcome = reaper.GetAudioAccessorSamples(
    state.accessor, form.sample_rate, form.n_channels, start_seconds, n_samples, state.buffer
  )
  if outcome < 0 then return nil, "REAPER could not read its sound" end
  state.at = state.at + n_samples
  return wave.write(state.writer, state.buffer.table(1, n_values), n_values)
end

--- Go on reading for a while.
-- @param state as `start` gave it
-- @param clock function that says the time in seconds
-- @param deadline when to stop, by that clock
-- @return the path of the finished file; nil while there is more to do; nil and the reason if it failed, with nothing left
function reading.step(state, clock, deadline)
  if reaper.AudioAccessorStateChanged(state.accessor) then
    reading.abandon(state)
    return nil, "it was changed meanwhile"
  end
  while state.at < state.form.n_samples do
    local is_read, why = read_block(state)
    if not is_read then
      reading.abandon(state)
      return nil, why
    end
    if clock() >= deadline then return nil end
  end
  reaper.DestroyAudioAccessor(state.accessor)
  return wave.finish(state.writer)
end

return reading
