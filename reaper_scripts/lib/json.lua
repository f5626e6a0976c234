-- @noindex
-- JSON as the tickets use it: strict on reading, UTF-8 and one line on writing.

local json = {}

local MAX_DEPTH = 32
local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local UNESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

-- Stands for null inside a list, where nil would shift what follows; a null member of an object is left out.
json.null = setmetatable({}, { __tostring = function() return "null" end })

local write

local function write_string(text)
  if not utf8.len(text) then error("the text is not UTF-8", 0) end
  local escaped = text:gsub('[%c"\\\127]', function(c) return ESCAPES[c] or ("\\u%04x"):format(c:byte()) end)
  return '"' .. escaped .. '"'
end

local function write_number(value)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if value ~= value or value == math.huge or value == -math.huge then error("JSON has no number for " .. tostring(value), 0) end
  -- A host that sets a locale gets its decimal comma into %g.
  return (("%.17g"):format(value):gsub(",", "."))
end

local function write_table(value, depth)
  if depth > MAX_DEPTH then error("the table is nested too deeply", 0) end
  local parts = {}
  if #value > 0 then
    for _, member in ipairs(value) do parts[#parts + 1] = write(member, depth + 1) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local keys = {}
  for key in pairs(value) do
    if type(key) ~= "string" then error("a member's name must be a string, not " .. type(key), 0) end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  for _, key in ipairs(keys) do parts[#parts + 1] = write_string(key) .. ":" .. write(value[key], depth + 1) end
  return "{" .. table.concat(parts, ",") .. "}"
end

write = function(value, depth)
  local kind = type(value)
  if value == json.null then return "null" end
  if kind == "string" then return write_string(value) end
  if kind == "number" then return write_number(value) end
  if kind == "boolean" then return tostring(value) end
  if kind == "table" then return write_table(value, depth) end
  error("JSON has no " .. kind, 0)
end

--- Write a value as one line of JSON.
-- A table with a first element is a list, any other an object with sorted members; an empty table is an object.
-- @param value string, number, boolean, table or json.null
-- @return the text, or nil and a message
function json.encode(value)
  local is_written, text = pcall(write, value, 1)
  if is_written then return text end
  return nil, text
end

local read

local function fail(text, at, what)
  error(("JSON at byte %d of %d: %s"):format(at, #text, what), 0)
end

local function skip(text, at) return text:find("[^ \t\r\n]", at) or #text + 1 end

local function read_unicode(text, at)
  local unit = tonumber(text:match("^%x%x%x%x", at) or fail(text, at, "four hexadecimal digits must follow \\u"), 16)
  at = at + 4
  if unit >= 0xD800 and unit < 0xDC00 then
    local low = tonumber(text:match("^\\u(%x%x%x%x)", at) or "0", 16)
    if low < 0xDC00 or low > 0xDFFF then fail(text, at, "half a surrogate pair") end
    return utf8.char(0x10000 + (unit - 0xD800) * 0x400 + low - 0xDC00), at + 6
  end
  if unit >= 0xDC00 and unit <= 0xDFFF then fail(text, at, "half a surrogate pair") end
  return utf8.char(unit), at
end

local function read_string(text, at)
  local parts, from = {}, at + 1
  while true do
    local stop = text:find('[%c"\\]', from)
    if not stop then fail(text, at, "this string has no end") end
    parts[#parts + 1] = text:sub(from, stop - 1)
    local c = text:sub(stop, stop)
    if c == '"' then return table.concat(parts), stop + 1 end
    if c ~= "\\" and c ~= "\127" then fail(text, stop, "a control character inside a string") end
    local escape = c == "\\" and text:sub(stop + 1, stop + 1) or nil
    if not escape then
      parts[#parts + 1], from = c, stop + 1
    elseif escape == "u" then
      parts[#parts + 1], from = read_unicode(text, stop + 2)
    else
      parts[#parts + 1] = UNESCAPES[escape] or fail(text, stop, "an unknown escape")
      from = stop + 2
    end
  end
end

local function read_number(text, at)
  local digits = text:match("^-?%d+", at) or fail(text, at, "a value must stand here")
  if digits:match("^-?0%d") then fail(text, at, "a number must not begin with 0") end
  local rest = at + #digits
  local fraction = text:match("^%.%d+", rest) or ""
  local exponent = text:match("^[eE][+-]?%d+", rest + #fraction) or ""
  local stop = rest + #fraction + #exponent
  if fraction == "" and exponent == "" then return math.tointeger(tonumber(digits)) or tonumber(digits), stop end
  return tonumber(text:sub(at, stop - 1)), stop
end

local function read_list(text, at, depth)
  local list = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == "]" then return list, at + 1 end
  while true do
    local value
    value, at = read(text, at, depth)
    list[#list + 1] = value
    at = skip(text, at)
    local c = text:sub(at, at)
    if c == "]" then return list, at + 1 end
    if c ~= "," then fail(text, at, "a comma or ] must stand here") end
    at = skip(text, at + 1)
  end
end

local function read_object(text, at, depth)
  local object = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == "}" then return object, at + 1 end
  while true do
    local key, value
    if text:sub(at, at) ~= '"' then fail(text, at, "a member's name must stand here") end
    key, at = read_string(text, at)
    at = skip(text, at)
    if text:sub(at, at) ~= ":" then fail(text, at, "a colon must stand here") end
    value, at = read(text, skip(text, at + 1), depth)
    if value ~= json.null then object[key] = value end
    at = skip(text, at)
    local c = text:sub(at, at)
    if c == "}" then return object, at + 1 end
    if c ~= "," then fail(text, at, "a comma or } must stand here") end
    at = skip(text, at + 1)
  end
end

read = function(text, at, depth)
  if depth > MAX_DEPTH then fail(text, at, "nested too deeply") end
  local c = text:sub(at, at)
  if c == "{" then return read_object(text, at, depth + 1) end
  if c == "[" then return read_list(text, at, depth + 1) end
  if c == '"' then return read_string(text, at) end
  if text:sub(at, at + 3) == "true" then return true, at + 4 end
  if text:sub(at, at + 4) == "false" then return false, at + 5 end
  if text:sub(at, at + 3) == "null" then return json.null, at + 4 end
  return read_number(text, at)
end

--- Read one JSON value.
-- A null member of an object is absent; elsewhere null is json.null.
-- @param text the whole document
-- @return the value, or nil and a message
function json.decode(text)
  local is_read, value, stop = pcall(read, text, skip(text, 1), 1)
  if not is_read then return nil, value end
  if skip(text, stop) <= #text then return nil, ("JSON at byte %d of %d: nothing more may follow"):format(stop, #text) end
  return value
end

return json
