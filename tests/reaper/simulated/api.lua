-- REAPER's function list as rules: which names exist, how many arguments they take and of what types.

local api = {}

local function parse_arguments(text)
  local arguments = {}
  for part in text:gmatch("[^,]+") do
    local words = part:gsub("^%s*optional%s+", "")
    arguments[#arguments + 1] = {
      type = words:match("^%s*(%S+)"),
      name = words:match("(%S+)%s*$"),
      is_optional = part:match("^%s*optional%s") ~= nil,
    }
  end
  return arguments
end

--- Read the list: a heading, then lines of name, returns and arguments with tabs between.
-- @return table from name to list of arguments
function api.read(path)
  local found = {}
  for line in io.lines(path) do
    local name, arguments = line:match("^([^\t]*)\t[^\t]*\t(.*)$")
    if name and name ~= "name" then found[name] = parse_arguments(arguments) end
  end
  return found
end

local PLAIN = {
  number = function(value) return type(value) == "number" end,
  integer = function(value) return type(value) == "number" and math.tointeger(value) ~= nil end,
  string = function(value) return type(value) == "string" or type(value) == "number" end,
  boolean = function(value) return type(value) == "boolean" end,
  ["table|reaper.array"] = function(value) return type(value) == "number" or type(value) == "table" end, -- a size will do
  ["function"] = function(value) return type(value) == "function" end,
}

local function check(name, arguments, values, kind_of)
  if values.n ~= #arguments then
    local n_needed = #arguments
    while n_needed > 0 and arguments[n_needed].is_optional do n_needed = n_needed - 1 end
    if values.n > #arguments or values.n < n_needed then
      error(("reaper.%s takes %d arguments, not %d"):format(name, #arguments, values.n), 3)
    end
  end
  for index, argument in ipairs(arguments) do
    local value = values[index]
    local fits = PLAIN[argument.type]
    local is_fine
    if argument.is_optional and value == nil then
      is_fine = true
    elseif fits then
      is_fine = fits(value)
    elseif argument.type == "ReaProject" then
      is_fine = value == nil or value == 0 or kind_of(value) == "ReaProject"
    else
      is_fine = kind_of(value) == argument.type
    end
    if not is_fine then
      local message = "reaper.%s: argument %d (%s) must be %s, not %s"
      error(message:format(name, index, argument.name, argument.type, kind_of(value) or type(value)), 3)
    end
  end
end

--- A `reaper` table that holds to the rules.
-- @param rules as `read` gave them
-- @param functions the simulated functions, by name; each must be in the rules
-- @param options kind_of (function: what a pointer points to), missing (set of names that this version lacks),
--   on_call (function of a name, before each call) and on_return (function of what it returns, which it passes on)
function api.strict(rules, functions, options)
  for name in pairs(functions) do
    if not rules[name] then error("REAPER has no function " .. name) end
  end
  local function look_up(_, name)
    if options.missing[name] then return nil end
    local arguments = rules[name] or error("REAPER has no function " .. tostring(name), 2)
    local simulated = functions[name] or error("reaper." .. name .. " is not simulated", 2)
    return function(...)
      options.on_call(name)
      check(name, arguments, table.pack(...), options.kind_of)
      return options.on_return(simulated(...))
    end
  end
  local function refuse(_, name) error("a script assigned reaper." .. tostring(name), 2) end
  return setmetatable({}, { __index = look_up, __newindex = refuse })
end

return api
