-- A small REAPER: project tabs with tracks, items, takes and sources, an undo history, and pointers that live for one tick.

local sound = require("sound")

local world = {}
world.__index = world

-- The parameters that exist here, with REAPER's defaults; a misspelled one is an error.
local DEFAULTS = {
  MediaTrack = { I_CUSTOMCOLOR = 0, I_FOLDERDEPTH = 0, I_NCHAN = 2, I_FXEN = 1 },
  MediaItem = {
    D_POSITION = 0, D_LENGTH = 0, D_VOL = 1, B_LOOPSRC = 1, C_BEATATTACHMODE = -1, I_CUSTOMCOLOR = 0,
    D_FADEINLEN = 0, D_FADEOUTLEN = 0, C_FADEINSHAPE = 0, C_FADEOUTSHAPE = 0, B_MUTE = 0, D_FADEINLEN_AUTO = 0,
    D_FADEOUTLEN_AUTO = 0,
  },
  MediaItem_Take = {
    D_STARTOFFS = 0, D_PLAYRATE = 1, B_PPITCH = 1, D_PITCH = 0, I_PITCHMODE = -1, D_VOL = 1, D_PAN = 0, I_CHANMODE = 0,
    I_CUSTOMCOLOR = 0,
  },
}

function world.new()
  return setmetatable({
    projects = {}, front = nil, generation = 1, seconds = 1000.0, n_guids = 0, refresh_count = 0, deferred = {}, at_exit = {},
    violations = {}, boxes = {}, console = {}, hints = {}, calls = {}, pointers = {}, pointer_of = {},
    box_answer = 1, file_answer = nil, menu_answer = nil, menu_answers = {}, menus = {}, fail_call = nil, fail_name = nil,
    host = {}, loose = {}, n_accessors = 0, toggles = {}, keys = {}, drawn = {}, session = {}, processes = {}, listed = {},
    costs = nil, tick_seconds = {},
  }, world)
end

--- Note that a script broke a rule of conduct.
function world:violate(message) self.violations[#self.violations + 1] = message end

function world:new_guid()
  self.n_guids = self.n_guids + 1
  return ("{00000000-0000-4000-8000-%012X}"):format(self.n_guids)
end

local function thing(self, kind, values)
  local made = { kind = kind, guid = self:new_guid(), values = {}, strings = {} }
  for name, value in pairs(DEFAULTS[kind] or {}) do made.values[name] = value end
  for name, value in pairs(values or {}) do
    if made.values[name] == nil then error(kind .. " has no " .. tostring(name)) end
    made.values[name] = value
  end
  return made
end

--- Open a project in a new tab, in front.
function world:add_project(file, media_folder)
  local project = { kind = "ReaProject", file = file, media_folder = media_folder, tracks = {}, selected = {}, remembered = {} }
  project.n_changes = 0
  project.undo_history, project.block_depth, project.play_state, project.render = {}, 0, 0, sound.user_settings()
  self.projects[#self.projects + 1] = project
  self.front = project
  return project
end

function world:close_project(project)
  for index, open in ipairs(self.projects) do
    if open == project then table.remove(self.projects, index) end
  end
  if self.front == project then self.front = self.projects[1] end
end

function world:reopen_project(project) self.projects[#self.projects + 1] = project end

function world:add_track(project, name, values, index)
  local track = thing(self, "MediaTrack", values)
  track.project, track.items, track.strings.P_NAME = project, {}, name
  table.insert(project.tracks, index or #project.tracks + 1, track)
  return track
end

function world:add_item(track, values)
  local item = thing(self, "MediaItem", values)
  item.track, item.takes = track, {}
  table.insert(track.items, item)
  return item
end

function world:add_take(item, source, name, values)
  local take = thing(self, "MediaItem_Take", values)
  take.item, take.source, take.strings.P_NAME, take.n_stretch_markers = item, source, name or "", 0
  table.insert(item.takes, take)
  return take
end

--- A media source; kind of audio, length and rate come from the file unless they are given.
function world:add_source(path, forced_kind)
  local kind, length_seconds, sample_rate, n_channels = self.host.media(path)
  if forced_kind == "SECTION" then -- here always the whole file, reversed; it knows neither name nor rate
    local parent = self:add_source(path)
    return {
      kind = "PCM_source", type = "SECTION", path = "", length_seconds = length_seconds or 0, sample_rate = 0, parent = parent,
    }
  end
  return {
    kind = "PCM_source", type = forced_kind or kind or "", path = path, length_seconds = length_seconds or 0,
    sample_rate = sample_rate or 0, n_channels = n_channels or 0, peaks_left = 3, has_peaks = false,
  }
end

--- A pointer as a script gets it: the same one for the same thing, good until the tick ends.
function world:point(object)
  if object == nil then return nil end
  if not self.pointer_of[object] then
    local pointer = setmetatable({}, {
      __index = function() error("a pointer has no fields", 2) end,
      __newindex = function() error("a pointer has no fields", 2) end,
    })
    self.pointer_of[object] = pointer
    self.pointers[pointer] = { object = object, generation = self.generation }
  end
  return self.pointer_of[object]
end

function world:kind_of(pointer)
  local known = type(pointer) == "table" and self.pointers[pointer]
  return known and known.object.kind or nil
end

--- What a pointer points to; one kept from an earlier tick, or to a thing that is gone, is an error.
function world:follow(pointer)
  if pointer == nil or pointer == 0 then return self.front end
  local known = self.pointers[pointer] or error("not a pointer", 2)
  if known.generation ~= self.generation and not known.is_own then
    self:violate("a pointer to a " .. known.object.kind .. " was kept across a defer")
    error("a pointer of an earlier tick", 2)
  end
  if known.object.is_gone then error("a dangling pointer to a " .. known.object.kind, 2) end
  return known.object
end

local function project_of(object)
  if object.kind == "MediaItem_Take" then object = object.item end
  if object.kind == "MediaItem" then object = object.track end
  return object.project
end

--- To be called before the arrangement changes. A value may change outside an undo block if it is put back in the same tick.
function world:touch(object, name)
  local project = object.kind == "ReaProject" and object or project_of(object)
  project.n_changes = project.n_changes + 1
  if project.block_depth == 0 and name then
    self.loose[#self.loose + 1] = { object = object, name = name, value = object.values[name] }
  elseif project.block_depth == 0 then
    self:violate("the arrangement changed outside an undo block")
  end
  if self.refresh_count == 0 then self:violate("the arrangement changed while the window was refreshed") end
end

local function copy(original, copies)
  if type(original) ~= "table" or original.kind == "PCM_source" or original.kind == "ReaProject" then return original end
  if not copies[original] then
    local twin = {}
    copies[original] = twin
    for key, value in pairs(original) do twin[key] = copy(value, copies) end
  end
  return copies[original]
end

function world.begin_undo(_, project)
  project.block_depth = project.block_depth + 1
  if project.block_depth == 1 then project.before = copy(project.tracks, {}) end
end

function world:end_undo(project, label)
  if project.block_depth == 0 then return self:violate("an undo block was closed that was not open") end
  project.block_depth = project.block_depth - 1
  if project.block_depth == 0 then table.insert(project.undo_history, { label = label, tracks = project.before }) end
  return nil
end

function world.undo(_, project)
  local entry = table.remove(project.undo_history)
  if not entry then return 0 end
  for _, track in ipairs(project.tracks) do
    track.is_gone = true
    for _, item in ipairs(track.items) do item.is_gone = true end
  end
  project.tracks = entry.tracks
  return 1
end

--- What must hold whenever REAPER gets control back.
function world:audit()
  if self.refresh_count ~= 0 then
    self:violate("PreventUIRefresh was left at " .. self.refresh_count)
    self.refresh_count = 0
  end
  for _, project in ipairs(self.projects) do
    if project.block_depth ~= 0 then
      self:violate("an undo block was left open")
      project.block_depth = 0
    end
  end
  for index = #self.loose, 1, -1 do
    local change = self.loose[index]
    local is_first = true
    for earlier = 1, index - 1 do
      if self.loose[earlier].object == change.object and self.loose[earlier].name == change.name then is_first = false end
    end
    if is_first and change.object.values[change.name] ~= change.value then
      self:violate("the arrangement changed outside an undo block: " .. change.name)
    end
  end
  self.loose = {}
  self.generation, self.pointer_of = self.generation + 1, {}
end

-- What is the user's own: render settings, what is selected, and which project is in front.
local function users_own(self)
  local found = { [self] = { front = self.front } }
  for _, project in ipairs(self.projects) do
    found[project.render] = copy(project.render, {})
    for _, track in ipairs(project.tracks) do
      found[track] = { is_selected = track.is_selected == true }
      for _, item in ipairs(track.items) do found[item] = { is_selected = item.is_selected == true } end
    end
  end
  return found
end

local function compare(self, before)
  for owner, values in pairs(before) do
    for name, value in pairs(values) do
      local now = owner[name]
      if name == "is_selected" then now = now == true end
      if now ~= value then self:violate(("%s was left changed to %s"):format(name, tostring(now))) end
    end
  end
end

--- The time, with what the scripts' work has cost where that is counted.
function world:now() return self.seconds + (self.costs and self.costs.seconds() or 0) end

local function run_guarded(self, chunk)
  local before = users_own(self)
  local begin = self.costs and self.costs.seconds()
  if self.costs then self.costs.go_on() end
  local is_fine, problem = xpcall(chunk, debug.traceback)
  if self.costs then
    self.costs.pause()
    table.insert(self.tick_seconds, self.costs.seconds() - begin)
  end
  compare(self, before)
  if not is_fine then self:violate("a script died: " .. tostring(problem)) end
  self:audit()
end

--- Run a script's file as its action does.
function world:run_script(path)
  run_guarded(self, assert(loadfile(path)))
end

--- Let time pass and call what was deferred, once.
-- @return how many functions were called
function world:tick(seconds)
  self.seconds = self.seconds + seconds
  local due = self.deferred
  self.deferred = {}
  for _, chunk in ipairs(due) do run_guarded(self, chunk) end
  return #due
end

--- End the running script, as REAPER does when it is started again or REAPER quits.
function world:stop_script()
  self.deferred = {}
  for _, chunk in ipairs(self.at_exit) do run_guarded(self, chunk) end
  self.at_exit = {}
  if self.n_accessors ~= 0 then self:violate("an audio accessor was left behind") end
end

return world
