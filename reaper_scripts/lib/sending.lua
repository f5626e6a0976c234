-- @noindex
-- OSC messages to the service: over a socket where mavriq-lua-sockets is installed, else as a file beside the tickets.

local folders = require("folders")
local json = require("json")
local osc = require("osc")

local sending = {}

-- What a shell would understand although it stands in quotes.
local OF_A_SHELL = '[%c"$`\\!]'
local UNSAFE = { windows = '[%c"%%]', macos = OF_A_SHELL, linux = OF_A_SHELL }
local NO_WAIT = { windows = -2, macos = -1, linux = -1 } -- on Windows without a console window before the user's eyes

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
-- @param command path of the `daw-bridge` command, or nil
function sending.open(state, command) return { state = state, command = command } end

local function socket_of(sender)
  if sender.udp == nil then
    local sockets = find_sockets()
    sender.udp = sockets and sockets.udp() or false
    if sender.udp then sender.udp:settimeout(0) end
  end
  return sender.udp
end

--- Whether messages go by a socket, not as files.
function sending.has_socket(sender) return socket_of(sender) ~= false end

--- What the running service says of itself: host, port, lan, and presets (the folder of its own); nil without one.
function sending.service(state)
  local file = io.open(folders.join(state, "service.json"), "rb")
  if not file then return nil end
  local address = json.decode(file:read("a") or "")
  file:close()
  return type(address) == "table" and address.port and address or nil
end

-- A service that is open to the network takes no packet without its token, not even from here; a file needs none.
local function message(sender, service, address, ...)
  if service.lan ~= true or not socket_of(sender) then return osc.message(address, ...) end
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
  local service = sending.service(sender.state)
  if not service then return nil, "the service is not running" end
  local packet, problem = message(sender, service, address, ...)
  if not packet then return nil, problem end
  if socket_of(sender) then
    local n_sent
    n_sent, problem = sender.udp:sendto(packet, service.host, math.tointeger(service.port))
    return n_sent and true, problem
  end
  return write(sender.state, packet)
end

local function knocking(sender)
  if not sender.command or not reaper.file_exists(sender.command) then return nil end
  if (sender.command .. sender.state):find(UNSAFE[folders.system(reaper.GetOS())]) then return nil end
  return ('"%s" knock --state "%s"'):format(sender.command, sender.state)
end

--- Tell the service that a ticket is there. It would find it anyway, after a second at the latest.
-- Without a socket the installed command does it, in a process that nobody waits for.
function sending.knock(sender)
  if socket_of(sender) then return sending.send(sender, "/daw_bridge/knock") end
  local line = sending.service(sender.state) and knocking(sender)
  if line then reaper.ExecProcess(line, NO_WAIT[folders.system(reaper.GetOS())]) end
  return line ~= nil
end

--- Let go of the socket.
function sending.close(sender)
  if sender.udp then sender.udp:close() end
  sender.udp = nil
end

return sending
