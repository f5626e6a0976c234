-- @noindex
-- Which part of a file an item shows, and where its remix goes; arithmetic on plain numbers.

local placement = {}

local ROUNDING_SAMPLES = 1e-3 -- what doubles lose on the way, far below anything audible

--- The part of its file that an item shows, widened to whole samples.
-- The remix then starts on a sample of the source, and the new item's start offset takes up the rest of a sample.
-- @param shown table of start_offset_seconds (D_STARTOFFS), item_length_seconds, play_rate, source_length_seconds,
--   sample_rate (Hz), is_looped
-- @return table of start_seconds and length_seconds (in the source, at rate 1) and remix_offset_seconds (D_STARTOFFS of the
--   new item; negative where the old one began before its file); or nil and "looped" or "empty"
function placement.range(shown)
  local rate = shown.sample_rate
  local n_samples = math.floor(shown.source_length_seconds * rate + 0.5)
  local first = math.floor(shown.start_offset_seconds * rate + ROUNDING_SAMPLES)
  local stop = math.ceil((shown.start_offset_seconds + shown.item_length_seconds * shown.play_rate) * rate - ROUNDING_SAMPLES)
  if shown.is_looped and (first < 0 or stop > n_samples + 1) then return nil, "looped" end
  first, stop = math.max(first, 0), math.min(stop, n_samples)
  if stop <= first then return nil, "empty" end
  local start_seconds = first / rate
  return {
    start_seconds = start_seconds,
    length_seconds = (stop - first) / rate,
    remix_offset_seconds = shown.start_offset_seconds - start_seconds,
  }
end

--- Where the remix goes: on the same sample as the content, also if that was moved or trimmed meanwhile.
-- @param asked the item when the remix was asked for: position_seconds, item_length_seconds, play_rate,
--   start_offset_seconds, remix_offset_seconds, and remix_rate: play_rate where the remix is of the file, 1 where it is of what
--   was heard
-- @param now the item as it is: position_seconds, play_rate, start_offset_seconds; nil if it is gone
-- @return position, length and start offset of the new item, in seconds
function placement.place(asked, now)
  local position, length, offset = asked.position_seconds, asked.item_length_seconds, asked.remix_offset_seconds
  if not now or now.play_rate ~= asked.play_rate then return position, length, offset end
  position = now.position_seconds - (now.start_offset_seconds - asked.start_offset_seconds) / asked.play_rate
  if position < 0 and length + position > 0 then
    -- Its beginning would lie before the project's: leave that part out, and what is heard stays in time.
    position, length, offset = 0.0, length + position, offset - position * asked.remix_rate
  end
  return math.max(position, 0.0), length, offset
end

--- Where a remix of a part of a file stands below an item that plays that file: the part of it that the item shows.
-- @param shown the item: position_seconds, item_length_seconds, start_offset_seconds, play_rate
-- @param start_seconds, length_seconds the part of the file
-- @return position_seconds, item_length_seconds and remix_offset_seconds; nil if the item shows nothing of it
function placement.below(shown, start_seconds, length_seconds)
  local rate = shown.play_rate
  local first = math.max(start_seconds, shown.start_offset_seconds)
  local stop = math.min(start_seconds + length_seconds, shown.start_offset_seconds + shown.item_length_seconds * rate)
  if stop <= first then return nil end
  return shown.position_seconds + (first - shown.start_offset_seconds) / rate, (stop - first) / rate, first - start_seconds
end

--- How a remix plays as another take of its item, in time with the take that it was made of, also if that was trimmed.
-- @param asked, now as for `place`
-- @return play rate and start offset (seconds) of the new take
function placement.take(asked, now)
  local ratio = asked.remix_rate / asked.play_rate
  local trimmed_seconds = now.start_offset_seconds - asked.start_offset_seconds
  return now.play_rate * ratio, asked.remix_offset_seconds + trimmed_seconds * ratio
end

return placement
