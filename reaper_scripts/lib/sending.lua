-- @noindex
-- OSC messages to the service: over a socket where mavriq-lua-sockets is installed, else as a file beside the tickets.

local folders = require("folders")
local json = require("json")
local osc = require("osc")

local sending = {}

local SOCKETS = "/Scripts/Mavriq ReaScript Repository/Various/Mavriq-Lua-Sockets/"

local function find_sockets()
  local folder = reaper.GetResourcePath() .. SOCKETS
  local path, cpath = package.path, package.cpath
  package.path, package.cpath = path .. ";" .. folder .. "?.lua", cpath .. ";" .. folder .. "?.dll;" .. folder .. "?.so"
  local is_there, sockets = pcall(require, "socket.core")
  package.path, package.cpath = path, cpath
  return is_there and type(sockets) == "table" and sockets or nil
end

--- Get ready to send; costs nothing until something is sent.
-- @param state the service's state folder
function sending.open(state)
  local sockets = find_sockets()
  local udp = sockets and sockets.udp()
  if udp then udp:settimeout(0) end
  return { state = state, udp = udp }
end

local function address_of_service(state)
  local file = io.open(folders.join(state, "service.json"), "rb")
  if not file then return nil end
  local address = json.decode(file:read("a") or "")
  file:close()
  return type(address) == "table" and address.port and address or nil
end

-- A service that is open to the network takes no packet without its token, not even from here; a file needs none.
local function message(sender, service, address, ...)
  if service.lan ~= true or not sender.udp then return osc.message(address, ...) end
  local file, why = io.open(folders.join(sender.state, "token"), "rb")
  if not file then return nil, why end
  local token = (file:read("a") or ""):match("%S+")
  file:close()
  return osc.message(address, token, ...)
end

local function write(state, packet)
  local name = (reaper.genGuid(""):gsub("[{}]", ""):lower())
  local folder = folders.tickets(state)
  local staged, path = folders.join(folder, "." .. name .. ".tmp"), folders.join(folder, name .. ".osc")
  local file, why = io.open(staged, "wb")
  if not file then return nil, why end
  local is_written = file:write(packet)
  local is_closed = file:close()
  local is_renamed
  if is_written and is_closed then
    is_renamed, why = os.rename(staged, path)
  end
  if not is_renamed then os.remove(staged) end
  return is_renamed and true, why
end

--- Send one message.
-- @param sender as `open` gave it
-- @param address, ... as of `osc.message`
-- @return whether it is on its way; nil and the reason, "the service is not running" among them
function sending.send(sender, address, ...)
  local service = address_of_service(sender.state)
  if not service then return nil, "the service is not running" end
  local packet, problem = message(sender, service, address, ...)
  if not packet then return nil, problem end
  if sender.udp then
    local n_sent
    n_sent, problem = sender.udp:sendto(packet, service.host, math.tointeger(service.port))
    return n_sent and true, problem
  end
  return write(sender.state, packet)
end

--- Let go of the socket.
function sending.close(sender)
  if sender.udp then sender.udp:close() end
  sender.udp = nil
end

return sending
