-- @noindex
-- From the selection to wishes: refuses first, then asks the user.

local content = require("content")
local folders = require("folders")
local messages = require("messages")
local presets = require("presets")
local projects = require("projects")
local sending = require("sending")
local settings = require("settings")

local asking = {}

local SETTINGS_FILE = "daw_bridge.conf"
local DEFAULT_PRESET = "default"
local MAX_AT_ONCE = 50 -- more is a slip of the hand, and would hold the window up

--- Read what the scripts have to know about this machine.
-- @param scripts_folder where the scripts lie; a settings file may lie beside them
-- @return table of state (folder), command (path or nil), preset_folders, preset (id or nil) and params
function asking.configuration(scripts_folder)
  local named = settings.read(folders.join(scripts_folder, SETTINGS_FILE))
  local system = folders.system(reaper.GetOS())
  local getenv = system == "windows" and folders.environment(os.getenv, reaper.GetResourcePath()) or os.getenv
  local state = folders.state(system, getenv, named.state_dir)
  local service = sending.service(state) or {}
  local above = folders.split(scripts_folder)
  local preset_folders = {}
  for _, folder in ipairs({
    above and folders.join(above, "presets") or false, -- a copy of the whole product
    service.presets or false,
    named.presets or false,
    folders.user_presets(system, getenv),
  }) do
    if folder then preset_folders[#preset_folders + 1] = folder end
  end
  return {
    state = state,
    command = named.command,
    preset_folders = preset_folders,
    preset = named.preset,
    params = named.params,
  }
end

local function describe_items(found, lands_as, may_name_style)
  local n_items = reaper.CountSelectedMediaItems(found.project)
  if n_items == 0 then return nil, messages.no_item end
  if n_items > MAX_AT_ONCE then return nil, messages.too_many:format(n_items, "items", MAX_AT_ONCE) end
  local items = content.selected_items(found.project)
  if may_name_style and #items == 2 then
    local style, problem = content.file_of(table.remove(items), "style")
    if not style then return nil, problem end
    found.style_path = style.path
  end
  for index, item in ipairs(items) do
    local problem
    found.contents[index], problem = content.describe(item, lands_as)
    if problem then return nil, problem end
  end
  return found
end

local function describe_tracks(found)
  local start_seconds, stop_seconds = reaper.GetSet_LoopTimeRange2(found.project, false, false, 0, 0, false)
  if stop_seconds <= start_seconds then return nil, messages.no_time_selection end
  local n_tracks = reaper.CountSelectedTracks(found.project)
  if n_tracks == 0 then return nil, messages.no_track end
  if n_tracks > MAX_AT_ONCE then return nil, messages.too_many:format(n_tracks, "tracks", MAX_AT_ONCE) end
  local tracks = content.selected_tracks(found.project)
  for index, track in ipairs(tracks) do
    found.contents[index] = content.describe_track(track, start_seconds, stop_seconds)
  end
  return found
end

local function look_first(options)
  local project, folder, file = projects.current()
  if not project then return nil, folder end
  local found = { project = project, folder = folder, file = file, contents = {} }
  if options.of == "tracks" then return describe_tracks(found) end
  return describe_items(found, options.lands_as or "track", not options.is_quiet)
end

-- What the user should know before it starts; nil where REAPER has nothing to render.
local function note_of(contents)
  local n_rendered = 0
  for _, described in ipairs(contents) do
    if described.way ~= "file" and described.way ~= "read" then n_rendered = n_rendered + 1 end
  end
  return n_rendered > 0 and messages.renders_first:format(n_rendered) or nil
end

local function choose_style(project)
  local last_path = projects.recall(project, "style") or ""
  local is_chosen, path = reaper.GetUserFileNameForRead(last_path, "Recording to take the style from", "")
  if not is_chosen or path == "" then return nil, messages.no_style end
  return path
end

local function choose(found, configuration)
  local project = found.project
  local style_path, problem = found.style_path, nil
  if not style_path then style_path, problem = choose_style(project) end
  if not style_path then return nil, problem end
  if not reaper.file_exists(style_path) then return nil, messages.style_missing:format(style_path) end
  local last_preset = projects.recall(project, "preset") or configuration.preset or DEFAULT_PRESET
  local last = { preset = last_preset, strength = projects.recall(project, "strength") }
  local chosen = presets.choose(presets.list(configuration.preset_folders), last, note_of(found.contents))
  if not chosen or not projects.may_use(project, found.folder) then return nil end
  projects.remember(project, "style", style_path)
  projects.remember(project, "preset", chosen.preset)
  projects.remember(project, "strength", chosen.strength)
  return { style_path = style_path, preset = chosen.preset, strength = chosen.strength }
end

local function as_last_time(found)
  local style_path, preset = projects.recall(found.project, "style"), projects.recall(found.project, "preset")
  if not style_path or not preset then return nil, messages.no_last_settings end
  if not reaper.file_exists(style_path) then return nil, messages.style_missing:format(style_path) end
  local note = note_of(found.contents)
  if note then reaper.Help_Set(note, false) end
  return { style_path = style_path, preset = preset, strength = projects.recall(found.project, "strength") }
end

local function new_reqid() return "reaper-" .. (reaper.genGuid(""):gsub("[{}]", ""):lower()) end

local function request_of(found, described, chosen, options, configuration)
  local request = described.landing
  request.reqid = new_reqid()
  request.preset = chosen.preset
  request.lands_as = options.lands_as or "track"
  request.asked_at = os.time()
  request.project = found.file
  request.project_file = found.file
  request.tempo_bpm = reaper.TimeMap2_GetDividedBpmAtTime(found.project, request.position_seconds)
  request.ticket_path = folders.join(folders.tickets(configuration.state), request.reqid .. ".json")
  request.result_path = folders.result(found.folder, request.reqid)
  return request
end

local function params_of(chosen, configuration)
  local params = {}
  for name, value in pairs(configuration.params) do params[name] = value end
  if chosen.strength then params.strength = tonumber(chosen.strength) / 100 end
  return params
end

--- Find out what the user wishes for, one wish for each selected item or track, in order.
-- @param configuration as `asking.configuration` gave it
-- @param options table of `of` ("items" or "tracks"), `lands_as` ("track" or "take") and `is_quiet` (as last time, no questions)
-- @return list of wishes for `preparing`; or nil and a sentence; or nil alone if the user thought better of it
function asking.wishes(configuration, options)
  local found, problem = look_first(options)
  if not found then return nil, problem end
  local chosen
  if options.is_quiet then
    chosen, problem = as_last_time(found)
  else
    chosen, problem = choose(found, configuration)
  end
  if not chosen then return nil, problem end
  local wishes = {}
  for index, described in ipairs(found.contents) do
    wishes[index] = {
      request = request_of(found, described, chosen, options, configuration),
      way = described.way,
      path = described.path,
      start_seconds = described.start_seconds,
      length_seconds = described.length_seconds,
      form = described.form,
      folder = found.folder,
      style_path = chosen.style_path,
      params = params_of(chosen, configuration),
    }
  end
  return wishes
end

return asking
