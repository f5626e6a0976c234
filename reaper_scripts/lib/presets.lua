-- @noindex
-- Which presets there are, and the menu to choose one from.

local folders = require("folders")

local presets = {}

local ENDING = "%.toml$"
local STRENGTHS = { "25", "50", "75", "100" }

--- The title in a preset's text; nil if it has none.
function presets.title(text)
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do
    if line:match("^%s*%[") then return nil end
    local title = line:match('^%s*title%s*=%s*"(.-)"%s*$') or line:match('^%s*title%s*=%s*"(.-)"%s*#.*$')
    if title then return title end
  end
  return nil
end

local function title_of(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read(4096)
  file:close()
  return presets.title(text or "")
end

--- The presets in some folders, one of a later folder before one of the same name in an earlier one.
-- @return list of {id, title}, in alphabetical order; the default alone where no folder holds any
function presets.list(preset_folders)
  local titles = {}
  for _, folder in ipairs(preset_folders) do
    reaper.EnumerateFiles(folder, -1) -- drops REAPER's cache of the folder
    local index = 0
    local name = reaper.EnumerateFiles(folder, index)
    while name do
      if name:match(ENDING) then
        local id = name:gsub(ENDING, "")
        titles[id] = title_of(folders.join(folder, name)) or id
      end
      index = index + 1
      name = reaper.EnumerateFiles(folder, index)
    end
  end
  local found = {}
  for id, title in pairs(titles) do found[#found + 1] = { id = id, title = title } end
  table.sort(found, function(a, b) return a.id < b.id end)
  return #found > 0 and found or { { id = "default", title = "Default" } }
end

local function tick(is_chosen) return is_chosen and "!" or "" end

--- The text for gfx.showmenu, with ticks at what was chosen last.
-- @param found list of presets
-- @param last table of preset (id) and strength (per cent, as text; nil for the preset's own)
-- @param note a line to be read only, or nil
function presets.menu(found, last, note)
  local rows = {}
  for index, preset in ipairs(found) do
    local title = preset.title:gsub("|", "/"):gsub("^[#!<>]+", "")
    rows[index] = tick(preset.id == last.preset) .. (title == "" and preset.id or title)
  end
  rows[#rows + 1] = "" -- a line
  rows[#rows + 1] = ">Strength|" .. tick(not last.strength) .. "the preset's own"
  for index, strength in ipairs(STRENGTHS) do
    local last_mark = index == #STRENGTHS and "<" or ""
    rows[#rows + 1] = last_mark .. tick(last.strength == strength) .. strength .. " %"
  end
  if note then
    rows[#rows + 1] = "" -- a line; what stands last upsets no number of a row
    rows[#rows + 1] = "#" .. note
  end
  return table.concat(rows, "|")
end

--- Let the user choose a preset at the mouse; after a strength the menu comes again, for the preset.
-- @param last, note as for `menu`
-- @return table of preset (id) and strength, or nil if the menu was closed
function presets.choose(found, last, note)
  local chosen = { preset = last.preset, strength = last.strength }
  gfx.init("daw_bridge", 0, 0, 0, 0, 0) -- a menu needs a window, however small
  local row
  repeat
    gfx.x, gfx.y = gfx.mouse_x, gfx.mouse_y
    row = gfx.showmenu(presets.menu(found, chosen, note))
    if row > #found then chosen.strength = STRENGTHS[row - #found - 1] end -- the first of them is the preset's own: nil
  until row <= #found
  gfx.quit()
  if row <= 0 then return nil end
  chosen.preset = found[row].id
  return chosen
end

return presets
