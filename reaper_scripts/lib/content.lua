-- @noindex
-- The selected items and tracks: what can be remixed of them, and how its sound is got at.

local messages = require("messages")
local placement = require("placement")
local wave = require("wave")

local content = {}

-- What makes the remix sound and look like the item that it stands below.
local FADES = { "D_FADEINLEN", "D_FADEOUTLEN", "C_FADEINSHAPE", "C_FADEOUTSHAPE" }
local ITEM_LOOK = { "D_VOL", "C_BEATATTACHMODE", "I_CUSTOMCOLOR", table.unpack(FADES) }
local TAKE_LOOK = { "B_PPITCH", "D_PITCH", "I_PITCHMODE", "D_VOL", "D_PAN", "I_CHANMODE", "I_CUSTOMCOLOR" }
-- What is in the sound already, once it was got in one of these ways.
local RENDERED_TAKE = { B_PPITCH = 1, D_PITCH = 0, I_PITCHMODE = -1, I_CHANMODE = 0, D_VOL = 1, D_PAN = 0 }
local IN_THE_SOUND = {
  file = { item = {}, take = {} },
  read = { item = {}, take = { B_PPITCH = 1, D_PITCH = 0, I_PITCHMODE = -1, I_CHANMODE = 0 } },
  render = { item = {}, take = RENDERED_TAKE },
  track = { item = { D_VOL = 1, D_FADEINLEN = 0, D_FADEOUTLEN = 0 }, take = RENDERED_TAKE },
}

local MAX_CHANNELS = 8
-- What the service reads to the very sample as REAPER does; of MP3, for one, programs leave out more or less of the beginning.
local AS_A_FILE = { WAVE = true, AIFF = true, FLAC = true, VORBIS = true }
local NOT_AUDIO = { RPP_PROJECT = true, CLICK = true, LTC = true }

local function list(count, get, project)
  local found = {}
  for index = 0, count(project) - 1 do found[#found + 1] = get(project, index) end
  return found
end

--- The selected items in the order of the arrangement.
function content.selected_items(project) return list(reaper.CountSelectedMediaItems, reaper.GetSelectedMediaItem, project) end

--- The selected tracks from top to bottom.
function content.selected_tracks(project) return list(reaper.CountSelectedTracks, reaper.GetSelectedTrack, project) end

--- The audio file that an item plays.
-- @param role "content" or "style", for the sentence
-- @return table of take, source (what it plays), media (the file; another than `source` if that is reversed or a part of it),
--   path and kind (REAPER's word for its format); or nil and a sentence
function content.file_of(item, role)
  local take = reaper.GetActiveTake(item)
  if not take then return nil, messages.empty_item:format(role) end
  if reaper.TakeIsMIDI(take) then return nil, messages.midi:format(role) end
  local source = reaper.GetMediaItemTake_Source(take)
  local kind = reaper.GetMediaSourceType(source)
  local media = kind == "SECTION" and reaper.GetMediaSourceParent(source) or source
  kind = reaper.GetMediaSourceType(media)
  if NOT_AUDIO[kind] then return nil, messages.not_audio:format(role, kind) end
  local path = reaper.GetMediaSourceFileName(media)
  if path == "" then return nil, messages.no_file:format(role) end
  if not reaper.file_exists(path) or reaper.GetMediaSourceSampleRate(media) <= 0 then
    return nil, messages.offline:format(role, path)
  end
  return { take = take, source = source, media = media, path = path, kind = kind }
end

local function look_of(item, take, in_the_sound)
  local look = { item = {}, take = {} }
  for _, name in ipairs(ITEM_LOOK) do
    look.item[name] = in_the_sound.item[name] or reaper.GetMediaItemInfo_Value(item, name)
  end
  for _, name in ipairs(TAKE_LOOK) do
    look.take[name] = in_the_sound.take[name] or reaper.GetMediaItemTakeInfo_Value(take, name)
  end
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

local function has_effects(take)
  for index = 0, reaper.TakeFX_GetCount(take) - 1 do
    if reaper.TakeFX_GetEnabled(take, index) and not reaper.TakeFX_GetOffline(take, index) then return true end
  end
  for index = 0, reaper.CountTakeEnvelopes(take) - 1 do
    local is_known, active = reaper.GetSetEnvelopeInfo_String(reaper.GetTakeEnvelope(take, index), "ACTIVE", "", false)
    if not is_known or active ~= "0" then return true end -- an older REAPER does not say: better render than miss it
  end
  return false
end

local RECEIVES, FOLDER_BEGINS = -1, 1

-- A track has effects that are heard: on, and not bypassed as a whole. A bus is no matter of one item: others play into it.
local function track_has_effects(track)
  local is_bus = reaper.GetMediaTrackInfo_Value(track, "I_FOLDERDEPTH") == FOLDER_BEGINS
    or reaper.GetTrackNumSends(track, RECEIVES) > 0
  if is_bus or reaper.GetMediaTrackInfo_Value(track, "I_FXEN") == 0 then return false end
  for index = 0, reaper.TrackFX_GetCount(track) - 1 do
    if reaper.TrackFX_GetEnabled(track, index) and not reaper.TrackFX_GetOffline(track, index) then return true end
  end
  return false
end

-- By "file" (a part of it, as it is), "read" (an audio accessor), "render" (REAPER's own, of the item alone) or "track" (the
-- same, through the item's track). A take goes through the track anyway, a new track does not.
local function way_of(item, file, place, lands_as)
  local range, problem = placement.range({
    start_offset_seconds = place.start_offset_seconds,
    item_length_seconds = place.item_length_seconds,
    play_rate = place.play_rate,
    source_length_seconds = reaper.GetMediaSourceLength(file.source),
    sample_rate = reaper.GetMediaSourceSampleRate(file.media),
    is_looped = reaper.GetMediaItemInfo_Value(item, "B_LOOPSRC") == 1,
  })
  if problem == "empty" then return nil, messages.nothing_shown end
  if lands_as == "track" and track_has_effects(reaper.GetMediaItemTrack(item)) then return "track" end
  if has_effects(file.take) then return "render" end
  local is_plain = file.media == file.source and AS_A_FILE[file.kind] and reaper.GetTakeNumStretchMarkers(file.take) == 0
  if range and is_plain then return "file", range end
  return reaper.GetMediaItemTakeInfo_Value(file.take, "I_CHANMODE") == 0 and "read" or "render"
end

local function form_of(file, place, way)
  local sample_rate = math.tointeger(reaper.GetMediaSourceSampleRate(file.media))
  local n_channels = reaper.GetMediaSourceNumChannels(file.media)
  if n_channels > MAX_CHANNELS then return nil, messages.too_many_channels:format(n_channels) end
  local form = {
    sample_rate = sample_rate,
    n_channels = way == "read" and n_channels or math.max(n_channels, 2), -- an effect may make mono wide
    n_samples = math.ceil(place.item_length_seconds * sample_rate),
    length_seconds = place.item_length_seconds,
  }
  if not wave.can_hold(form) then return nil, messages.too_long end
  return form
end

local function landing_of_track(track)
  local _, track_name = reaper.GetSetMediaTrackInfo_String(track, "P_NAME", "", false)
  return {
    track_guid = reaper.GetTrackGUID(track),
    track_name = track_name,
    track_color = reaper.GetMediaTrackInfo_Value(track, "I_CUSTOMCOLOR"),
  }
end

local function landing_of(item, file, place, in_the_sound)
  local landing = landing_of_track(reaper.GetMediaItemTrack(item))
  for name, value in pairs(place) do landing[name] = value end
  landing.item_guid = guid_of(reaper.GetSetMediaItemInfo_String, item)
  landing.take_guid = guid_of(reaper.GetSetMediaItemTakeInfo_String, file.take)
  landing.name = reaper.GetTakeName(file.take)
  landing.look = look_of(item, file.take, in_the_sound)
  return landing
end

--- Everything about a content item that is needed to ask and, later, to land without it.
-- @param lands_as "track" or "take"
-- @return table of way ("file", "read", "render" or "track"), landing (plain values with the item by GUID), and, for a file,
--   path, start_seconds and length_seconds, else form; or nil and a sentence
function content.describe(item, lands_as)
  local file, problem = content.file_of(item, "content")
  if not file then return nil, problem end
  local place = content.place_of(item, file.take)
  local way, range = way_of(item, file, place, lands_as)
  if not way then return nil, range end
  if way == "file" then
    local landing = landing_of(item, file, place, IN_THE_SOUND.file)
    landing.remix_offset_seconds, landing.remix_rate = range.remix_offset_seconds, place.play_rate
    local start_seconds, length_seconds = range.start_seconds, range.length_seconds
    return { way = way, path = file.path, start_seconds = start_seconds, length_seconds = length_seconds, landing = landing }
  end
  local form
  form, problem = form_of(file, place, way)
  if not form then return nil, problem end
  local landing = landing_of(item, file, place, IN_THE_SOUND[way])
  landing.remix_offset_seconds, landing.remix_rate = 0.0, 1.0
  return { way = way, form = form, landing = landing }
end

--- A track's part in the time selection, as `describe` says it of an item.
function content.describe_track(track, start_seconds, stop_seconds)
  local landing = landing_of_track(track)
  landing.name = landing.track_name ~= "" and landing.track_name
    or ("Track %d"):format(math.tointeger(reaper.GetMediaTrackInfo_Value(track, "IP_TRACKNUMBER")))
  landing.position_seconds, landing.item_length_seconds = start_seconds, stop_seconds - start_seconds
  landing.start_offset_seconds, landing.play_rate = 0.0, 1.0
  landing.remix_offset_seconds, landing.remix_rate = 0.0, 1.0
  landing.look = { item = {}, take = {} }
  local n_channels = math.tointeger(reaper.GetMediaTrackInfo_Value(track, "I_NCHAN"))
  local form = {
    sample_rate = 0, -- the project's own
    n_channels = math.min(math.max(n_channels, 2), MAX_CHANNELS),
    start_seconds = start_seconds,
    length_seconds = stop_seconds - start_seconds,
  }
  return { way = "stem", form = form, landing = landing }
end

-- Whether an item plays a file as it is; no more calls than that needs, because every item of a project is asked.
local function plays(item, is_content)
  local take = reaper.GetActiveTake(item)
  local source = take and reaper.GetMediaItemTake_Source(take)
  return source ~= nil and is_content(reaper.GetMediaSourceFileName(source))
end

--- Where a remix goes that was not asked for from an item, if this one plays its content.
-- @param part table of start_seconds and length_seconds in its content
-- @param is_content function that says whether a path is the content's
-- @return a landing, as `describe` gives it; nil where the item does not play that part
function content.landing_below(item, part, is_content)
  local file = plays(item, is_content) and content.file_of(item, "content")
  if not file or file.media ~= file.source then return nil end
  local place = content.place_of(item, file.take)
  local position, length, offset = placement.below(place, part.start_seconds, part.length_seconds)
  if not position then return nil end
  local landing = landing_of(item, file, place, IN_THE_SOUND.file)
  landing.position_seconds, landing.item_length_seconds = position, length
  landing.remix_offset_seconds, landing.remix_rate = offset, place.play_rate
  landing.item_guid, landing.take_guid = nil, nil -- it stands for itself, not for the item as asked
  landing.name = nil
  return landing
end

--- Where a remix goes whose content no item plays: to the time that its file names, on a track at the end.
function content.landing_of_its_own(part)
  return {
    track_guid = "", track_name = "", track_color = 0, item_length_seconds = part.length_seconds, start_offset_seconds = 0.0,
    play_rate = 1.0, remix_offset_seconds = 0.0, remix_rate = 1.0, look = { item = {}, take = {} },
  }
end

return content
