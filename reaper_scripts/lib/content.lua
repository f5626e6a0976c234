-- @noindex
-- The selected items: which is content, which is style, and what of them can be asked for.

local messages = require("messages")
local placement = require("placement")

local content = {}

-- What makes the remix sound and look like the item that it stands below.
local FADES = { "D_FADEINLEN", "D_FADEOUTLEN", "C_FADEINSHAPE", "C_FADEOUTSHAPE" }
local ITEM_LOOK = { "D_VOL", "C_BEATATTACHMODE", "I_CUSTOMCOLOR", table.unpack(FADES) }
local TAKE_LOOK = { "B_PPITCH", "D_PITCH", "I_PITCHMODE", "D_VOL", "D_PAN", "I_CHANMODE", "I_CUSTOMCOLOR" }

--- The selected items in the order of the arrangement: the first is the content, a second one the style.
-- @return the content item and perhaps the style item; or nil, nil and a sentence
function content.selected(project)
  local n_selected = reaper.CountSelectedMediaItems(project)
  if n_selected == 0 then return nil, nil, messages.no_item end
  if n_selected > 2 then return nil, nil, messages.too_many_items:format(n_selected) end
  return reaper.GetSelectedMediaItem(project, 0), n_selected == 2 and reaper.GetSelectedMediaItem(project, 1) or nil
end

--- The audio file that an item plays.
-- @param role "content" or "style", for the sentence
-- @return table of take, source and path; or nil and a sentence
function content.file_of(item, role)
  local take = reaper.GetActiveTake(item)
  if not take then return nil, messages.empty_item:format(role) end
  if reaper.TakeIsMIDI(take) then return nil, messages.midi:format(role) end
  local source = reaper.GetMediaItemTake_Source(take)
  local kind = reaper.GetMediaSourceType(source)
  if kind == "SECTION" then
    if role == "content" then return nil, messages.section end
    source = reaper.GetMediaSourceParent(source)
    kind = source and reaper.GetMediaSourceType(source) or ""
  end
  if kind == "RPP_PROJECT" or kind == "CLICK" or kind == "LTC" then return nil, messages.not_audio:format(role, kind) end
  local path = source and reaper.GetMediaSourceFileName(source) or ""
  if path == "" then return nil, messages.no_file:format(role) end
  if not reaper.file_exists(path) or reaper.GetMediaSourceSampleRate(source) <= 0 then
    return nil, messages.offline:format(role, path)
  end
  return { take = take, source = source, path = path }
end

local function look_of(item, take)
  local look = { item = {}, take = {} }
  for _, name in ipairs(ITEM_LOOK) do look.item[name] = reaper.GetMediaItemInfo_Value(item, name) end
  for _, name in ipairs(TAKE_LOOK) do look.take[name] = reaper.GetMediaItemTakeInfo_Value(take, name) end
  return look
end

local function guid_of(get, thing)
  local _, guid = get(thing, "GUID", "", false)
  return guid
end

--- Where an item stands, for `placement`.
function content.place_of(item, take)
  return {
    position_seconds = reaper.GetMediaItemInfo_Value(item, "D_POSITION"),
    item_length_seconds = reaper.GetMediaItemInfo_Value(item, "D_LENGTH"),
    start_offset_seconds = reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS"),
    play_rate = reaper.GetMediaItemTakeInfo_Value(take, "D_PLAYRATE"),
  }
end

local function range_of(item, file, place)
  if reaper.GetTakeNumStretchMarkers(file.take) > 0 then return nil, messages.stretched end
  local source_length_seconds = reaper.GetMediaSourceLength(file.source)
  local range, problem = placement.range({
    start_offset_seconds = place.start_offset_seconds,
    item_length_seconds = place.item_length_seconds,
    play_rate = place.play_rate,
    source_length_seconds = source_length_seconds,
    sample_rate = reaper.GetMediaSourceSampleRate(file.source),
    is_looped = reaper.GetMediaItemInfo_Value(item, "B_LOOPSRC") == 1,
  })
  if not range then return nil, problem == "looped" and messages.looped or messages.nothing_shown end
  return range
end

--- Everything about the content item that is needed to ask and, later, to land without it.
-- @return table of path, start_seconds and length_seconds (the part of the file), and landing, a table of plain values with the
--   item by GUID; or nil and a sentence
function content.describe(item)
  local file, problem = content.file_of(item, "content")
  if not file then return nil, problem end
  local place = content.place_of(item, file.take)
  local range
  range, problem = range_of(item, file, place)
  if not range then return nil, problem end
  local track = reaper.GetMediaItemTrack(item)
  local _, track_name = reaper.GetSetMediaTrackInfo_String(track, "P_NAME", "", false)
  local landing = place
  landing.remix_offset_seconds = range.remix_offset_seconds
  landing.item_guid = guid_of(reaper.GetSetMediaItemInfo_String, item)
  landing.take_guid = guid_of(reaper.GetSetMediaItemTakeInfo_String, file.take)
  landing.track_guid = reaper.GetTrackGUID(track)
  landing.track_name = track_name
  landing.track_color = reaper.GetMediaTrackInfo_Value(track, "I_CUSTOMCOLOR")
  landing.name = reaper.GetTakeName(file.take)
  landing.look = look_of(item, file.take)
  return { path = file.path, start_seconds = range.start_seconds, length_seconds = range.length_seconds, landing = landing }
end

return content
