-- @noindex
-- The settings file beside the scripts: lines of key = value, # before a comment.

local settings = {}

--- Read the text of a settings file.
-- Known keys: state_dir, command, presets (a folder), preset (an id), and param.<name> for a preset parameter.
-- @param text content of the file
-- @return a table of the keys, with `params` as a table of its own (numbers where a value is one)
function settings.parse(text)
  local found = { params = {} }
  for line in (text:gsub("^\239\187\191", "") .. "\n"):gmatch("(.-)\r?\n") do
    local key, value = line:match("^%s*([%w_.]+)%s*=%s*(.-)%s*$")
    if key and value ~= "" then
      local parameter = key:match("^param%.([%w_.]+)$")
      if parameter then
        found.params[parameter] = math.tointeger(tonumber(value)) or tonumber(value) or value
      else
        found[key] = value
      end
    end
  end
  return found
end

--- Read a settings file; a missing one counts as empty.
-- @param path the file
-- @return as `parse`
function settings.read(path)
  local file = io.open(path, "rb")
  if not file then return settings.parse("") end
  local text = file:read("a")
  file:close()
  return settings.parse(text)
end

return settings
