-- @noindex
-- OSC messages as bytes: what the service reads, by UDP or from a file.

local osc = {}

local MAX_BYTES = 1024
local MAX_FLOAT = 3.40282356779733661637539395458142568448e38 -- from here up, a float of 32 bits would be infinite
local LOW, HIGH = -2 ^ 31, 2 ^ 31 - 1

-- A string ends with one to four zero bytes, so that its length is a multiple of four.
local function padded(text) return text .. ("\0"):rep(4 - #text % 4) end

local function encode_number(value)
  if math.type(value) == "integer" then
    if value < LOW or value > HIGH then error("the number " .. value .. " does not fit into 32 bits", 0) end
    return "i", string.pack(">i4", value)
  end
  local is_infinite = value == math.huge or value == -math.huge
  if not is_infinite and (value >= MAX_FLOAT or value <= -MAX_FLOAT) then
    error("the number " .. value .. " does not fit into a float of 32 bits", 0)
  end
  return "f", string.pack(">f", value)
end

local function encode_string(text)
  if text:find("\0", 1, true) then error("a text must not hold a zero byte", 0) end
  if not utf8.len(text) then error("a text must be UTF-8", 0) end
  return "s", padded(text)
end

local function encode(address, ...)
  if type(address) ~= "string" or not address:match("^/[%w%p]*$") or address:find("[#*,?%[%]{}]") then
    error("an address begins with / and holds no space and none of # * , ? [ ] { }", 0)
  end
  local tags, values = { "," }, {}
  for index = 1, select("#", ...) do
    local value = select(index, ...)
    local kind = type(value)
    if kind ~= "number" and kind ~= "string" then error("a message holds numbers and texts, no " .. kind, 0) end
    local encode_value = kind == "number" and encode_number or encode_string
    tags[#tags + 1], values[#values + 1] = encode_value(value)
  end
  local packet = padded(address) .. padded(table.concat(tags)) .. table.concat(values)
  if #packet > MAX_BYTES then error(("a message of %d bytes is longer than %d"):format(#packet, MAX_BYTES), 0) end
  return packet
end

--- Make a message: Lua's integers become i, its other numbers f, its strings s.
-- @param address for example "/daw_bridge/cancel"
-- @param ... the arguments
-- @return the bytes, or nil and a message
function osc.message(address, ...)
  local is_made, packet = pcall(encode, address, ...)
  if is_made then return packet end
  return nil, packet
end

return osc
