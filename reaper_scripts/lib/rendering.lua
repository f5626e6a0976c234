-- @noindex
-- REAPER's own render of one item or one track into a file, with every setting put back afterwards.

local folders = require("folders")
local held = require("held")
local projects = require("projects")

local rendering = {}

local RENDER_LAST_SETTINGS_AND_CLOSE = 42230
local SELECTED_ITEMS, STEMS_OF_SELECTED_TRACKS = 32, 2
local BOUNDS_CUSTOM, BOUNDS_SELECTED_ITEMS = 0, 4
local WAVE_FLOAT = "ZXZhdyAAAQ==" -- "evaw", 32 bits, in REAPER's base64

-- An item's own volume and fades go with the remix: they must not be in the sound, too. A mute would leave no sound.
local PLAIN_ITEM = {
  B_MUTE = 0, D_VOL = 1, D_FADEINLEN = 0, D_FADEOUTLEN = 0, D_FADEINLEN_AUTO = -1, D_FADEOUTLEN_AUTO = -1,
}

local function number(project, name, value)
  return {
    get = function() return reaper.GetSetProjectInfo(project, name, 0, false) end,
    set = function(new) reaper.GetSetProjectInfo(project, name, new, true) end,
    hold = value,
  }
end

local function text(project, name, value)
  return {
    get = function() return (select(2, reaper.GetSetProjectInfo_String(project, name, "", false))) end,
    set = function(new) reaper.GetSetProjectInfo_String(project, name, new, true) end,
    hold = value,
  }
end

local function item_value(item, name, value)
  return {
    get = function() return reaper.GetMediaItemInfo_Value(item, name) end,
    set = function(new) reaper.SetMediaItemInfo_Value(item, name, new) end,
    hold = value,
  }
end

local function settings(project, path, form)
  local folder, name = folders.split(path)
  return {
    number(project, "RENDER_CHANNELS", form.n_channels),
    number(project, "RENDER_SRATE", form.sample_rate),
    number(project, "RENDER_TAILFLAG", 0),
    number(project, "RENDER_ADDTOPROJ", 0),
    number(project, "RENDER_DITHER", 0),
    number(project, "RENDER_NORMALIZE", 0),
    text(project, "RENDER_FILE", folder),
    text(project, "RENDER_PATTERN", (name:gsub("%.wav$", ""))),
    text(project, "RENDER_FORMAT", WAVE_FLOAT),
    text(project, "RENDER_FORMAT2", ""),
  }
end

local function add(things, more)
  for _, thing in ipairs(more) do things[#things + 1] = thing end
  return things
end

-- The whole selection as one thing: a list of what is selected, so that a large project costs no more than a small one.
local function selection(project, count, get, select_one, only)
  local function selected()
    local found = {}
    for index = 0, count(project) - 1 do found[index + 1] = get(project, index) end
    return found
  end
  return {
    get = selected,
    set = function(wanted)
      for _, thing in ipairs(selected()) do select_one(thing, false) end
      for _, thing in ipairs(wanted) do select_one(thing, true) end
    end,
    hold = { only },
  }
end

local function run(project, path, things)
  return projects.in_front(project, function()
    reaper.PreventUIRefresh(1)
    local _, problem = held.run(things, function() reaper.Main_OnCommandEx(RENDER_LAST_SETTINGS_AND_CLOSE, 0, project) end)
    reaper.PreventUIRefresh(-1)
    if not problem and reaper.file_exists(path) then return path end
    os.remove(path)
    return nil, problem or "REAPER's render was cancelled or wrote no file"
  end)
end

--- Render one item as it sounds with its take's effects and envelopes, without its volume and fades and its track's effects.
-- The render is REAPER's: its window shows meanwhile, as with any render.
-- @param item, project good for this tick alone
-- @param path a WAV file to be, under a name that is free; its folder exists
-- @param form table of sample_rate (Hz) and n_channels
-- @return path, or nil and the reason; every setting is as before
function rendering.item(project, item, path, form)
  local things = settings(project, path, form)
  add(things, { number(project, "RENDER_SETTINGS", SELECTED_ITEMS), number(project, "RENDER_BOUNDSFLAG", BOUNDS_SELECTED_ITEMS) })
  for name, value in pairs(PLAIN_ITEM) do things[#things + 1] = item_value(item, name, value) end
  things[#things + 1] =
    selection(project, reaper.CountSelectedMediaItems, reaper.GetSelectedMediaItem, reaper.SetMediaItemSelected, item)
  return run(project, path, things)
end

local function render_track(project, track, path, form, more)
  local things = add(settings(project, path, form), {
    number(project, "RENDER_SETTINGS", STEMS_OF_SELECTED_TRACKS),
    number(project, "RENDER_BOUNDSFLAG", BOUNDS_CUSTOM),
    number(project, "RENDER_STARTPOS", form.start_seconds),
    number(project, "RENDER_ENDPOS", form.start_seconds + form.length_seconds),
  })
  things[#things + 1] = selection(project, reaper.CountSelectedTracks, reaper.GetSelectedTrack, reaper.SetTrackSelected, track)
  return run(project, path, add(things, more))
end

local function overlaps(item, start_seconds, stop_seconds)
  local position_seconds = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
  return position_seconds < stop_seconds and position_seconds + reaper.GetMediaItemInfo_Value(item, "D_LENGTH") > start_seconds
end

--- Render one item as it sounds after its track's effects and fader, without the other items of that track.
-- @return as `item`
function rendering.item_on_its_track(project, item, path, form)
  local track = reaper.GetMediaItemTrack(item)
  local start_seconds = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
  local stop_seconds = start_seconds + form.length_seconds
  local mutes = { item_value(item, "B_MUTE", 0) }
  for index = 0, reaper.CountTrackMediaItems(track) - 1 do
    local other = reaper.GetTrackMediaItem(track, index)
    if other ~= item and overlaps(other, start_seconds, stop_seconds) then mutes[#mutes + 1] = item_value(other, "B_MUTE", 1) end
  end
  local of_item = { sample_rate = form.sample_rate, n_channels = form.n_channels, length_seconds = form.length_seconds }
  of_item.start_seconds = start_seconds
  return render_track(project, track, path, of_item, mutes)
end

--- Render a part of one track as it sounds after its effects and fader.
-- @param form table of sample_rate (Hz), n_channels, start_seconds and length_seconds in the project
-- @return as `item`
function rendering.track(project, track, path, form) return render_track(project, track, path, form, {}) end

return rendering
