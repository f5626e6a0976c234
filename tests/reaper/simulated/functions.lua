-- The simulated functions of `reaper` and `gfx` over a world.

local sound = require("sound")

local functions = {}

local LISTED_BYTES = 1023 -- of a value in a list: its declaration has a buffer of one size, where that of a single value grows

local function add_windows(made, world)
  function made.ShowMessageBox(text, title, kind)
    table.insert(world.boxes, text)
    if title == "" or kind < 0 or kind > 6 then error("no such box") end
    return world.box_answer
  end
  function made.ShowConsoleMsg(text) table.insert(world.console, text) end
  function made.Help_Set(text) table.insert(world.hints, text) end
  function made.GetUserFileNameForRead(initial)
    world.file_initial = initial
    if world.file_answer then return true, world.file_answer end
    return false, ""
  end
  function made.ExecProcess(line, milliseconds)
    if milliseconds ~= (made.GetOS() == "Win64" and -2 or -1) then world:violate("REAPER waits for a process") end
    table.insert(world.processes, line)
    return "0\n"
  end
  function made.OpenMediaExplorer(path, is_played)
    if not world.host.is_file(path) then world:violate("the Media Explorer was given a file that is not there") end
    world.explored = is_played and path or nil
  end
  function made.UpdateArrange() world.n_updates = (world.n_updates or 0) + 1 end
  function made.PreventUIRefresh(count) world.refresh_count = world.refresh_count + count end
end

local function add_script(made, world)
  function made.get_action_context() return false, world.script_path, 0, 0, -1, -1, -1.0, "" end
  function made.set_action_options(flag) world.action_options = flag end
  function made.SetToggleCommandState(section, command, state)
    world.toggles[section .. ":" .. command] = state
    return true
  end
  function made.RefreshToolbar2() world.n_refreshed_toolbars = (world.n_refreshed_toolbars or 0) + 1 end
  function made.GetResourcePath() return world.resource_path or "/nowhere" end
  function made.defer(chunk)
    table.insert(world.deferred, chunk)
    return true
  end
  function made.atexit(chunk) table.insert(world.at_exit, chunk) end
  function made.time_precise() return world.host.seconds and world.host.seconds() or world:now() end
  function made.APIExists(name) return world.rules[name] ~= nil and not world.missing[name] end
  function made.GetOS() return world.os_name or "Other" end
  function made.genGuid() return world:new_guid() end
end

local function add_files(made, world)
  function made.file_exists(path) return world.host.is_file(path) end
  function made.RecursiveCreateDirectory(path) return world.host.make_folder(path) end
  function made.EnumerateFiles(folder, index)
    if index < 0 then
      world.listed[folder] = nil
      return nil
    end
    if not world.listed[folder] then
      world.listed[folder] = world.host.file_names(folder)
      if world.costs then world.costs.count("entry", #world.listed[folder]) end
    end
    return world.listed[folder][index + 1]
  end
end

local function add_projects(made, world)
  function made.EnumProjects(index)
    local project = world.front
    if index >= 0 then project = world.projects[index + 1] end
    if not project then return nil, "" end
    return world:point(project), project.file
  end
  function made.SelectProjectInstance(pointer) world.front = world:follow(pointer) end
  function made.GetProjectPathEx(pointer) return world:follow(pointer).media_folder end
  function made.GetProjectStateChangeCount(pointer) return world:follow(pointer).n_changes end
  function made.GetPlayStateEx(pointer) return world:follow(pointer).play_state end
  function made.TimeMap2_GetDividedBpmAtTime(pointer) return world:follow(pointer) and 120.0 end
  -- Whether REAPER keeps the case of keys is not documented; here it does not.
  function made.GetProjExtState(pointer, section, key)
    local value = world:follow(pointer).remembered[section .. "\0" .. key:upper()] or ""
    return #value, value
  end
  function made.SetProjExtState(pointer, section, key, value)
    if value:find("[\r\n]") then world:violate("an ext state that persists holds a line break") end
    if value:find("'", 1, true) and value:find("`", 1, true) then world:violate("an ext state holds every kind of quote") end
    world:follow(pointer).remembered[section .. "\0" .. key:upper()] = value ~= "" and value or nil
    return #value
  end
  function made.EnumProjExtState(pointer, section, index)
    local keys = {}
    local remembered = world:follow(pointer).remembered
    for key in pairs(remembered) do
      if key:sub(1, #section + 1) == section .. "\0" then keys[#keys + 1] = key end
    end
    table.sort(keys)
    local key = keys[index + 1]
    if not key then return false, "", "" end
    return true, key:sub(#section + 2), remembered[key]:sub(1, LISTED_BYTES)
  end
  function made.GetExtState(section, key) return world.session[section .. "\0" .. key] or "" end
  function made.SetExtState(section, key, value, is_kept)
    if is_kept then world:violate("an ext state was written to REAPER's own file") end
    world.session[section .. "\0" .. key] = value
  end
  function made.DeleteExtState(section, key) world.session[section .. "\0" .. key] = nil end
end

local function add_undo(made, world)
  function made.Undo_BeginBlock2(pointer) world:begin_undo(world:follow(pointer)) end
  function made.Undo_EndBlock2(pointer, label) world:end_undo(world:follow(pointer), label) end
  function made.Undo_CanUndo2(pointer)
    local history = world:follow(pointer).undo_history
    return history[#history] and history[#history].label or nil
  end
  function made.Undo_DoUndo2(pointer) return world:undo(world:follow(pointer)) end
end

local function add_values(made, world)
  local function get(pointer, name)
    local value = world:follow(pointer).values[name]
    if value == nil then error("no parameter " .. name) end
    return value + 0.0
  end
  local function set(pointer, name, value)
    get(pointer, name)
    local object = world:follow(pointer)
    world:touch(object, name)
    object.values[name] = value
    return true
  end
  function made.GetMediaTrackInfo_Value(pointer, name)
    if name ~= "IP_TRACKNUMBER" then return get(pointer, name) end
    local track = world:follow(pointer)
    for index, other in ipairs(track.project.tracks) do
      if other == track then return index + 0.0 end
    end
    return 0.0
  end
  made.GetMediaItemInfo_Value, made.GetMediaItemTakeInfo_Value = get, get
  made.SetMediaTrackInfo_Value, made.SetMediaItemInfo_Value, made.SetMediaItemTakeInfo_Value = set, set, set

  local function get_set_string(pointer, name, text, is_set)
    local object = world:follow(pointer)
    if name ~= "GUID" and name ~= "P_NAME" and not name:match("^P_EXT:[%w_]+$") then error("no string " .. name) end
    if is_set then
      world:touch(object)
      object.strings[name] = text
    end
    local found = name == "GUID" and object.guid or object.strings[name]
    return found ~= nil, found or ""
  end
  made.GetSetMediaTrackInfo_String = get_set_string
  made.GetSetMediaItemInfo_String = get_set_string
  made.GetSetMediaItemTakeInfo_String = get_set_string
end

local function add_tracks(made, world)
  function made.CountTracks(pointer) return #world:follow(pointer).tracks end
  function made.GetTrack(pointer, index) return world:point(world:follow(pointer).tracks[index + 1]) end
  function made.GetTrackGUID(pointer) return world:follow(pointer).guid end
  local function insert(project, index)
    world:touch(project)
    world:add_track(project, "", nil, math.min(index, #project.tracks) + 1)
  end
  function made.InsertTrackInProject(pointer, index) insert(world:follow(pointer), index) end
  function made.InsertTrackAtIndex(index) insert(world.front, index) end
end

local function all_items(project)
  local items = {}
  for _, track in ipairs(project.tracks) do
    for _, item in ipairs(track.items) do items[#items + 1] = item end
  end
  return items
end

local function add_items(made, world)
  local function selected(pointer)
    local found = {}
    for _, item in ipairs(all_items(world:follow(pointer))) do
      if item.is_selected then found[#found + 1] = item end
    end
    return found
  end
  function made.CountSelectedMediaItems(pointer) return #selected(pointer) end
  function made.GetSelectedMediaItem(pointer, index) return world:point(selected(pointer)[index + 1]) end
  function made.CountMediaItems(pointer)
    local count = 0
    for _, track in ipairs(world:follow(pointer).tracks) do count = count + #track.items end
    return count
  end
  function made.GetMediaItem(pointer, index)
    for _, track in ipairs(world:follow(pointer).tracks) do
      if index < #track.items then return world:point(track.items[index + 1]) end
      index = index - #track.items
    end
    return nil
  end
  function made.GetTrackNumSends(pointer, category)
    if category ~= -1 then error("only receives are simulated") end
    return world:follow(pointer).n_receives or 0
  end
  function made.CountTrackMediaItems(pointer) return #world:follow(pointer).items end
  function made.GetTrackMediaItem(pointer, index) return world:point(world:follow(pointer).items[index + 1]) end
  function made.GetMediaItemTrack(pointer) return world:point(world:follow(pointer).track) end
  function made.GetActiveTake(pointer)
    local item = world:follow(pointer)
    return world:point(item.takes[item.active or 1])
  end
  function made.CountTakes(pointer) return #world:follow(pointer).takes end
  function made.GetMediaItemTake(pointer, index) return world:point(world:follow(pointer).takes[index + 1]) end
  function made.SetActiveTake(pointer)
    local take = world:follow(pointer)
    world:touch(take)
    for index, other in ipairs(take.item.takes) do
      if other == take then take.item.active = index end
    end
  end
  function made.GetTakeName(pointer) return world:follow(pointer).strings.P_NAME end
  function made.TakeIsMIDI(pointer) return world:follow(pointer).source.type:match("^MIDI") ~= nil end
  function made.GetTakeNumStretchMarkers(pointer) return world:follow(pointer).n_stretch_markers end
  function made.GetMediaItemTake_Item(pointer) return world:point(world:follow(pointer).item) end
  function made.GetMediaItemTakeByGUID(pointer, guid)
    for _, item in ipairs(all_items(world:follow(pointer))) do
      for _, take in ipairs(item.takes) do
        if take.guid == guid then return world:point(take) end
      end
    end
    return nil
  end
  function made.AddMediaItemToTrack(pointer)
    local track = world:follow(pointer)
    world:touch(track)
    return world:point(world:add_item(track, { B_LOOPSRC = 1 }))
  end
  function made.AddTakeToMediaItem(pointer)
    local item = world:follow(pointer)
    world:touch(item)
    return world:point(world:add_take(item, nil, ""))
  end
end

local function add_sources(made, world)
  function made.GetMediaItemTake_Source(pointer) return world:point(world:follow(pointer).source) end
  function made.SetMediaItemTake_Source(pointer, source)
    local take = world:follow(pointer)
    world:touch(take)
    take.source = world:follow(source)
    return true
  end
  function made.GetMediaSourceType(pointer) return world:follow(pointer).type end
  function made.GetMediaSourceFileName(pointer) return world:follow(pointer).path end
  function made.GetMediaSourceParent(pointer) return world:point(world:follow(pointer).parent) end
  function made.GetMediaSourceLength(pointer) return world:follow(pointer).length_seconds, false end
  function made.GetMediaSourceNumChannels(pointer) return world:follow(pointer).n_channels end
  function made.GetMediaFileMetadata(pointer, name)
    local value = name == "BWF:TimeReference" and world.host.time_reference(world:follow(pointer).path)
    return value and 1 or 0, value and tostring(value) or ""
  end
  function made.GetMediaSourceSampleRate(pointer) return world:follow(pointer).sample_rate end
  function made.PCM_Source_CreateFromFile(path)
    if not world.host.is_file(path) then return nil end
    return world:point(world:add_source(path))
  end
  function made.PCM_Source_Destroy(pointer) world:follow(pointer).is_gone = true end
  function made.PCM_Source_BuildPeaks(pointer, mode)
    local source = world:follow(pointer)
    if mode == 0 then return source.has_peaks and 0 or 1 end
    if mode == 1 then
      source.peaks_left = math.max(source.peaks_left - 1, 0)
      return source.peaks_left
    end
    source.has_peaks = source.peaks_left == 0
    return 0
  end
end

--- Every simulated function of `reaper`, by name.
function functions.reaper(world)
  local made = {}
  for _, add in ipairs({
    add_windows, add_script, add_files, add_projects, add_undo, add_values, add_tracks, add_items, add_sources,
  }) do
    add(made, world)
  end
  sound.add(made, world)
  return made
end

-- The number of the first row with a tick; headings of submenus and lines have no number.
local function ticked(menu)
  local number = 0
  for row in (menu .. "|"):gmatch("(.-)|") do
    if row ~= "" and row:sub(1, 1) ~= ">" then
      number = number + 1
      if row:match("^<?!") then return number end
    end
  end
  return 0
end

--- The menus and the drawing of `gfx`.
function functions.gfx(world)
  local gfx = { x = 0, y = 0, w = 0, h = 0, mouse_x = 40, mouse_y = 20, mouse_cap = 0 }
  function gfx.init(_, width, height)
    world.has_window, gfx.w, gfx.h = true, width, height
  end
  function gfx.setfont(index, name, size) assert(index and name and size) end
  function gfx.set(...) assert(select("#", ...) == 4) end
  function gfx.rect(x, y, width, height)
    if not world.has_window then world:violate("something was drawn without a window") end
    if x == 0 and y == 0 then world.drawn = {} end
    table.insert(world.drawn, { width = width, height = height, x = x, y = y })
  end
  function gfx.drawstr(text) table.insert(world.drawn, { text = text, x = gfx.x, y = gfx.y }) end
  function gfx.update() world.n_drawn = (world.n_drawn or 0) + 1 end
  function gfx.getchar()
    if not world.has_window then return -1 end
    return table.remove(world.keys, 1) or 0
  end
  function gfx.quit() world.has_window = false end
  function gfx.showmenu(text)
    if not world.has_window then world:violate("a menu was shown without a window") end
    table.insert(world.menus, text)
    return table.remove(world.menu_answers, 1) or world.menu_answer or ticked(text)
  end
  return gfx
end

return functions
