-- @noindex
-- Puts a finished remix into the arrangement: on a new track below the content's, on the content's sample, or as its take.

local content = require("content")
local folders = require("folders")
local placement = require("placement")
local projects = require("projects")
local transaction = require("transaction")

local landing = {}

local REQID = "P_EXT:daw_bridge_reqid"

local function bears(get, thing, reqid)
  local is_set, found = get(thing, REQID, "", false)
  return is_set and found == reqid
end

--- Whether a request has landed in a project and still stands there.
-- The project remembers which take it became; no search, however many items there are.
function landing.has_landed(project, request)
  local guid = projects.landed(project, request)
  local take = guid and reaper.GetMediaItemTakeByGUID(project, guid)
  if not take then return false end
  return bears(reaper.GetSetMediaItemTakeInfo_String, take, request.reqid)
    or bears(reaper.GetSetMediaItemInfo_String, reaper.GetMediaItemTake_Item(take), request.reqid)
end

--- A track of a project; nil if it is gone.
function landing.track_by_guid(project, guid)
  for index = 0, reaper.CountTracks(project) - 1 do
    local track = reaper.GetTrack(project, index)
    if reaper.GetTrackGUID(track) == guid then return track end
  end
  return nil
end

-- Before REAPER 7.18 a track can be inserted only into the project in front.
local function insert_track_at(project, index)
  if reaper.APIExists("InsertTrackInProject") then
    reaper.InsertTrackInProject(project, index, 0)
    return
  end
  projects.in_front(project, function() reaper.InsertTrackAtIndex(index, false) end)
end

local function insert_track_below(project, above)
  local index = above and math.tointeger(reaper.GetMediaTrackInfo_Value(above, "IP_TRACKNUMBER")) or reaper.CountTracks(project)
  insert_track_at(project, index)
  local track = reaper.GetTrack(project, index)
  if not track then error("no track could be added", 0) end
  local depth = above and reaper.GetMediaTrackInfo_Value(above, "I_FOLDERDEPTH") or 0
  if depth < 0 then
    -- The content's track closes a folder: the new one closes it now, and both go through the same bus.
    reaper.SetMediaTrackInfo_Value(above, "I_FOLDERDEPTH", 0)
    reaper.SetMediaTrackInfo_Value(track, "I_FOLDERDEPTH", depth)
  end
  return track
end

local function fill_take(take, source, request, rate, start_offset_seconds)
  if not reaper.SetMediaItemTake_Source(take, source) then error("the item did not take its file", 0) end
  for name, value in pairs(request.look.take) do reaper.SetMediaItemTakeInfo_Value(take, name, value) end
  reaper.SetMediaItemTakeInfo_Value(take, "D_PLAYRATE", rate)
  reaper.SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", start_offset_seconds)
  reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", request.name .. " (" .. request.preset .. ")", true)
end

-- A remix that belongs to no item stands where its file says that it belongs, as a Broadcast Wave does.
local function own_time(source)
  local is_known, text = reaper.GetMediaFileMetadata(source, "BWF:TimeReference")
  local sample = is_known ~= 0 and tonumber(text) or 0
  return sample / reaper.GetMediaSourceSampleRate(source)
end

local function add_item(track, source, request, now)
  request.position_seconds = request.position_seconds or own_time(source)
  local position_seconds, length_seconds, start_offset_seconds = placement.place(request, now)
  local item = reaper.AddMediaItemToTrack(track)
  local take = reaper.AddTakeToMediaItem(item)
  fill_take(take, source, request, request.remix_rate, start_offset_seconds)
  for name, value in pairs(request.look.item) do reaper.SetMediaItemInfo_Value(item, name, value) end
  reaper.SetMediaItemInfo_Value(item, "B_LOOPSRC", 0)
  reaper.SetMediaItemInfo_Value(item, "D_LENGTH", length_seconds)
  reaper.SetMediaItemInfo_Value(item, "D_POSITION", position_seconds)
  reaper.GetSetMediaItemInfo_String(item, REQID, request.reqid, true)
  return take
end

-- The take becomes the active one, as with REAPER's own "apply effects as new take"; T goes back and forth.
local function add_take(item, source, request, now)
  local rate, start_offset_seconds = placement.take(request, now)
  local take = reaper.AddTakeToMediaItem(item)
  fill_take(take, source, request, rate, start_offset_seconds)
  reaper.GetSetMediaItemTakeInfo_String(take, REQID, request.reqid, true)
  reaper.SetActiveTake(take)
  return take
end

local function guid_of(take)
  local _, guid = reaper.GetSetMediaItemTakeInfo_String(take, "GUID", "", false)
  return guid
end

local function add_take_or_track(project, request, source)
  local asked_take = request.take_guid and reaper.GetMediaItemTakeByGUID(project, request.take_guid)
  local item = asked_take and reaper.GetMediaItemTake_Item(asked_take)
  local now = item and content.place_of(item, asked_take)
  if item and request.lands_as == "take" then return add_take(item, source, request, now) end
  local above = item and reaper.GetMediaItemTrack(item) or landing.track_by_guid(project, request.track_guid)
  local track = insert_track_below(project, above)
  local name = request.track_name ~= "" and request.track_name or request.name
  reaper.GetSetMediaTrackInfo_String(track, "P_NAME", name .. " remix", true)
  if request.track_color ~= 0 then reaper.SetMediaTrackInfo_Value(track, "I_CUSTOMCOLOR", request.track_color) end
  return add_item(track, source, request, now)
end

local function add_all(project, request, source)
  local guid = guid_of(add_take_or_track(project, request, source))
  projects.note_landed(project, request, guid)
  return guid
end

--- Put a remix into the project as one undo point; an earlier landing of the same request stands.
-- @param request the kept request: its landing table, reqid and preset
-- @param path the remix in the project's media folder
-- @return the new take's GUID, or nil and the reason; on a failure the project is as before
function landing.land(project, request, path)
  local source = reaper.PCM_Source_CreateFromFile(path)
  if not source or reaper.GetMediaSourceSampleRate(source) <= 0 then
    if source then reaper.PCM_Source_Destroy(source) end
    local _, name = folders.split(path)
    return nil, "REAPER cannot read " .. name
  end
  return transaction.run(project, "Remix of " .. request.name, function() return add_all(project, request, source) end)
end

--- Build the waveform's peaks a piece at a time; call in each tick until it says that nothing is left.
-- @param guid the take's
-- @param state an empty table at first, handed in again
-- @return whether there is more to do
function landing.build_peaks(project, guid, state)
  local take = reaper.GetMediaItemTakeByGUID(project, guid)
  if not take then return false end
  local source = reaper.GetMediaItemTake_Source(take)
  if not state.is_begun then
    state.is_begun = true
    return reaper.PCM_Source_BuildPeaks(source, 0) ~= 0
  end
  if reaper.PCM_Source_BuildPeaks(source, 1) ~= 0 then return true end
  reaper.PCM_Source_BuildPeaks(source, 2)
  reaper.UpdateArrange()
  return false
end

return landing
