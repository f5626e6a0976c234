-- @noindex
-- Which presets there are, and the menu to choose one from.

local folders = require("folders")

local presets = {}

local ENDING = "%.toml$"

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

--- The text for gfx.showmenu, with a tick at the preset chosen last.
function presets.menu(found, last_id)
  local rows = {}
  for index, preset in ipairs(found) do
    local title = preset.title:gsub("|", "/"):gsub("^[#!<>]+", "")
    rows[index] = (preset.id == last_id and "!" or "") .. (title == "" and preset.id or title)
  end
  return table.concat(rows, "|")
end

--- Let the user choose a preset at the mouse.
-- @return its id, or nil if the menu was closed
function presets.choose(found, last_id)
  if #found == 1 then return found[1].id end
  gfx.init("daw_bridge", 0, 0, 0, 0, 0) -- a menu needs a window, however small
  gfx.x, gfx.y = gfx.mouse_x, gfx.mouse_y
  local row = gfx.showmenu(presets.menu(found, last_id))
  gfx.quit()
  return row > 0 and found[row].id or nil
end

return presets
