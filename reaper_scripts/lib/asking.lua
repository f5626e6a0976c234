-- @noindex
-- From the selection to a ticket: refuses first, then asks the user, then the service.

local content = require("content")
local folders = require("folders")
local messages = require("messages")
local presets = require("presets")
local projects = require("projects")
local settings = require("settings")
local tickets = require("tickets")

local asking = {}

local SETTINGS_FILE = "daw_bridge.conf"

--- Read what the scripts have to know about this machine.
-- @param scripts_folder where the scripts lie; a settings file may lie beside them
-- @return table of state (folder), preset_folders, preset (id or nil) and params
function asking.configuration(scripts_folder)
  local named = settings.read(folders.join(scripts_folder, SETTINGS_FILE))
  local system = folders.system(reaper.GetOS())
  local above = folders.split(scripts_folder)
  local preset_folders = {}
  if above then preset_folders[1] = folders.join(above, "presets") end -- a copy of the whole product
  if named.presets then preset_folders[#preset_folders + 1] = named.presets end
  preset_folders[#preset_folders + 1] = folders.user_presets(system, os.getenv)
  return {
    state = folders.state(system, os.getenv, named.state_dir),
    preset_folders = preset_folders,
    preset = named.preset,
    params = named.params,
  }
end

local function choose_style(project, style)
  if style then return style.path end
  local last_path = projects.recall(project, "style") or ""
  local is_chosen, path = reaper.GetUserFileNameForRead(last_path, "Recording to take the style from", "")
  if not is_chosen or path == "" then return nil, messages.no_style end
  if not reaper.file_exists(path) then return nil, messages.style_missing:format(path) end
  projects.remember(project, "style", path)
  return path
end

local function choose_preset(project, configuration)
  local last_id = projects.recall(project, "preset") or configuration.preset
  local id = presets.choose(presets.list(configuration.preset_folders), last_id)
  if id then projects.remember(project, "preset", id) end
  return id
end

local function look_first()
  local project, folder, file = projects.current()
  if not project then return nil, folder end
  local item, style_item, problem = content.selected(project)
  if not item then return nil, problem end
  local described
  described, problem = content.describe(item)
  if not described then return nil, problem end
  local style
  if style_item then
    style, problem = content.file_of(style_item, "style")
    if not style then return nil, problem end
  end
  return { project = project, folder = folder, file = file, content = described, style = style }
end

local function new_reqid() return "reaper-" .. (reaper.genGuid(""):gsub("[{}]", ""):lower()) end

local function request_of(found, preset_id, configuration)
  local request = found.content.landing
  request.reqid = new_reqid()
  request.preset = preset_id
  request.asked_at = os.time()
  request.project = found.file
  request.project_file = found.file
  request.tempo_bpm = reaper.TimeMap2_GetDividedBpmAtTime(found.project, request.position_seconds)
  request.ticket_path = folders.join(folders.tickets(configuration.state), request.reqid .. ".json")
  request.result_path = folders.result(found.folder, request.reqid)
  return request
end

local function send(found, style_path, request, configuration)
  local tickets_folder = folders.tickets(configuration.state)
  reaper.RecursiveCreateDirectory(tickets_folder, 0)
  local is_kept, problem = projects.keep(found.project, request)
  if not is_kept then return nil, problem end
  local ticket = tickets.build({
    reqid = request.reqid,
    project = found.folder,
    content = found.content.path,
    style = style_path,
    start_seconds = found.content.start_seconds,
    length_seconds = found.content.length_seconds,
    preset = request.preset,
    params = configuration.params,
    landing = request,
  })
  local path
  path, problem = tickets.write(tickets_folder, ticket)
  if not path then projects.forget(found.project, request) end
  return path, problem
end

--- Ask for a remix of the selected item.
-- @param configuration as `asking.configuration` gave it
-- @return the request, kept in the project; or nil and a sentence; or nil alone if the user thought better of it
function asking.remix(configuration)
  local found, problem = look_first()
  if not found then return nil, problem end
  local style_path
  style_path, problem = choose_style(found.project, found.style)
  if not style_path then return nil, problem end
  local preset_id = choose_preset(found.project, configuration)
  if not preset_id or not projects.may_use(found.project, found.folder) then return nil end
  local request = request_of(found, preset_id, configuration)
  local path
  path, problem = send(found, style_path, request, configuration)
  if not path then return nil, messages.ticket_failed:format(problem) end
  reaper.Help_Set(messages.asked:format(request.name, preset_id), false)
  return request
end

return asking
