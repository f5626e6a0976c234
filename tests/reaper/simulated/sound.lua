-- The simulated functions that have to do with sound: render settings and renders, audio accessors, effects and envelopes.

local sound = {}

local RENDER_PROJECT, WAVE_FLOAT = 42230, "ZXZhdyAAAQ=="
local MUST_BE_OFF = { "RENDER_TAILFLAG", "RENDER_ADDTOPROJ", "RENDER_DITHER", "RENDER_NORMALIZE" }

-- As a user may have left them: nothing of it fits what a script needs.
function sound.user_settings()
  return {
    RENDER_SETTINGS = 0, RENDER_BOUNDSFLAG = 1, RENDER_CHANNELS = 6, RENDER_SRATE = 8000, RENDER_STARTPOS = 3, RENDER_ENDPOS = 4,
    RENDER_TAILFLAG = 18, RENDER_ADDTOPROJ = 1, RENDER_DITHER = 3, RENDER_NORMALIZE = 1, RENDER_FILE = "/mixes",
    RENDER_PATTERN = "$project", RENDER_FORMAT = "l3pm", RENDER_FORMAT2 = "evaw",
  }
end

-- Here each effect that is on halves the level.
local function gain_of(owner)
  local gain = 1
  if owner.values.I_FXEN == 0 then return gain end
  for _, effect in ipairs(owner.effects or {}) do gain = gain * (effect.is_enabled and not effect.is_offline and 0.5 or 1) end
  return gain
end

local function played(item, is_as_set)
  local take = item.takes[item.active or 1]
  local source = take.source
  local gain = take.values.D_VOL * gain_of(take)
  if is_as_set then
    gain = gain * item.values.D_VOL * (item.values.B_MUTE == 1 and 0 or 1)
    if item.values.D_FADEINLEN > 0 or item.values.D_FADEINLEN_AUTO > 0 then gain = gain * 0.9 end
  end
  return {
    path = source.parent and source.parent.path or source.path, is_reversed = source.parent ~= nil, gain = gain,
    position = item.values.D_POSITION, length = item.values.D_LENGTH, is_looped = item.values.B_LOOPSRC == 1,
    offset = take.values.D_STARTOFFS, play_rate = take.values.D_PLAYRATE,
  }
end

local function selected_items(project)
  local found = {}
  for _, track in ipairs(project.tracks) do
    for _, item in ipairs(track.items) do
      if item.is_selected then found[#found + 1] = item end
    end
  end
  return found
end

local function selected_tracks(project)
  local found = {}
  for _, track in ipairs(project.tracks) do
    if track.is_selected then found[#found + 1] = track end
  end
  return found
end

local function render(world, project)
  local set = project.render
  for _, name in ipairs(MUST_BE_OFF) do
    if set[name] ~= 0 then world:violate("a render with " .. name .. " = " .. set[name]) end
  end
  if set.RENDER_FORMAT ~= WAVE_FLOAT or set.RENDER_FORMAT2 ~= "" then world:violate("a render in another format") end
  if project ~= world.front then world:violate("a render of a project that is not in front") end
  local parts, from, to = {}, set.RENDER_STARTPOS, set.RENDER_ENDPOS
  if set.RENDER_SETTINGS == 32 and set.RENDER_BOUNDSFLAG == 4 then
    local items = selected_items(project)
    if #items ~= 1 then return world:violate(#items .. " items were rendered at once") end
    parts[1] = played(items[1], true)
    from, to = parts[1].position, parts[1].position + parts[1].length
  elseif set.RENDER_SETTINGS == 2 and set.RENDER_BOUNDSFLAG == 0 then
    local tracks = selected_tracks(project)
    if #tracks ~= 1 then return world:violate(#tracks .. " tracks were rendered at once") end
    for _, item in ipairs(tracks[1].items) do
      parts[#parts + 1] = played(item, true)
      parts[#parts].gain = parts[#parts].gain * gain_of(tracks[1])
    end
  else
    return world:violate("a render of something else")
  end
  if world.render_is_cancelled then return nil end
  local path = set.RENDER_FILE .. "/" .. set.RENDER_PATTERN .. ".wav"
  world.host.render(path, set.RENDER_SRATE, set.RENDER_CHANNELS, from, to, parts)
  return nil
end

local function add_settings(made, world)
  local function get_set(is_text)
    return function(pointer, name, value, is_set)
      local project = world:follow(pointer)
      local old = project.render[name]
      if type(old) ~= (is_text and "string" or "number") then error("no setting " .. name) end
      if is_set then project.render[name] = value end
      return project.render[name]
    end
  end
  local numbers, texts = get_set(false), get_set(true)
  made.GetSetProjectInfo = numbers
  function made.GetSetProjectInfo_String(...) return true, texts(...) end
  function made.Main_OnCommandEx(command, _, pointer)
    if command ~= RENDER_PROJECT then error("command " .. command .. " is not simulated") end
    render(world, world:follow(pointer))
  end
  function made.GetSet_LoopTimeRange2(pointer, is_set)
    if is_set then error("the time selection is the user's") end
    local project = world:follow(pointer)
    return project.selection_start or 0.0, project.selection_stop or 0.0
  end
end

local function add_selection(made, world)
  local function is_selected(pointer) return world:follow(pointer).is_selected == true end
  local function select_one(pointer, is_wanted) world:follow(pointer).is_selected = is_wanted end
  made.IsTrackSelected, made.SetTrackSelected = is_selected, select_one
  made.IsMediaItemSelected, made.SetMediaItemSelected = is_selected, select_one
  function made.CountSelectedTracks(pointer) return #selected_tracks(world:follow(pointer)) end
  function made.GetSelectedTrack(pointer, index) return world:point(selected_tracks(world:follow(pointer))[index + 1]) end
end

local function add_effects(made, world)
  local function effect(pointer, index) return world:follow(pointer).effects[index + 1] end
  function made.TakeFX_GetCount(pointer) return #(world:follow(pointer).effects or {}) end
  function made.TakeFX_GetEnabled(pointer, index) return effect(pointer, index).is_enabled end
  function made.TakeFX_GetOffline(pointer, index) return effect(pointer, index).is_offline == true end
  made.TrackFX_GetCount, made.TrackFX_GetEnabled, made.TrackFX_GetOffline =
    made.TakeFX_GetCount, made.TakeFX_GetEnabled, made.TakeFX_GetOffline
  function made.CountTakeEnvelopes(pointer) return #(world:follow(pointer).envelopes or {}) end
  function made.GetTakeEnvelope(pointer, index) return world:point(world:follow(pointer).envelopes[index + 1]) end
  function made.GetSetEnvelopeInfo_String(pointer, name)
    if name ~= "ACTIVE" then error("no string " .. name) end
    return true, world:follow(pointer).is_active and "1" or "0"
  end
end

local function new_array(world, size)
  local values = {}
  for index = 1, size do values[index] = 1e9 end -- what an array holds at first is nobody's promise
  local array = {}
  function array.clear()
    for index = 1, size do values[index] = 0.0 end
  end
  function array.table(first, count) return table.move(values, first, first + count - 1, 1, {}) end
  world.pointers[array] = { object = { kind = "reaper.array", values = values, size = size }, is_own = true }
  return array
end

local function add_accessors(made, world)
  function made.new_array(size) return new_array(world, size) end
  function made.CreateTakeAudioAccessor(pointer)
    local take = world:follow(pointer)
    local accessor = { kind = "AudioAccessor", take = take, spec = played(take.item, false) }
    world.n_accessors = world.n_accessors + 1
    local handle = world:point(accessor)
    world.pointers[handle].is_own = true
    return handle
  end
  function made.DestroyAudioAccessor(pointer)
    world:follow(pointer).is_gone = true
    world.n_accessors = world.n_accessors - 1
  end
  function made.GetAudioAccessorStartTime(pointer) return world:follow(pointer) and 0.0 end
  function made.AudioAccessorStateChanged(pointer) return world:follow(pointer).take.has_changed == true end
  function made.GetAudioAccessorSamples(pointer, rate, n_channels, start_seconds, n_samples, array)
    local accessor, buffer = world:follow(pointer), world:follow(array)
    if n_samples * n_channels > buffer.size then error("the buffer is too small") end
    if world.accessor_fails then return -1 end
    if world.costs then world.costs.count("block", 1) end
    local heard = world.host.heard(accessor.spec, rate, n_channels, start_seconds, n_samples)
    if not heard then return 0 end
    for index, value in ipairs(heard) do buffer.values[index] = value end
    return 1
  end
end

--- Add them to the table of functions.
function sound.add(made, world)
  add_settings(made, world)
  add_selection(made, world)
  add_effects(made, world)
  add_accessors(made, world)
end

return sound
