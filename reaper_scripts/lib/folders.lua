-- @noindex
-- Where things lie: the service's state folder on each system, and the files that a request leaves there.

local folders = {}

local MAX_NAME_BYTES = 80

--- Tell the family of a system.
-- @param os_name what reaper.GetOS() says, for example "Win64", "macOS-arm64" or "Other"
-- @return "windows", "macos" or "linux"
function folders.system(os_name)
  if os_name:match("^Win") then return "windows" end
  if os_name:match("^OSX") or os_name:match("^macOS") then return "macos" end
  return "linux"
end

--- Join the parts of a path with the separator that the first part uses.
function folders.join(first, ...)
  local separator = first:find("\\", 1, true) and not first:find("/", 1, true) and "\\" or "/"
  local path = first
  for _, part in ipairs({ ... }) do
    path = path:match("[/\\]$") and path .. part or path .. separator .. part
  end
  return path
end

--- Split a path.
-- @return the folder without a separator at its end (a root keeps it), or nil where there is none; and the last part
function folders.split(path)
  local folder, name = path:match("^(.*)[/\\]([^/\\]*)$")
  if not folder then return nil, path end
  if folder == "" or folder:match("^%a:$") then folder = path:sub(1, #folder + 1) end
  return folder, name
end

--- A path as the system compares it.
-- @param system as `folders.system` says
function folders.plain(path, system)
  if system == "windows" then path = path:gsub("\\", "/"):lower() end
  return #path > 1 and path:gsub("/+$", "") or path
end

--- The environment in UTF-8: Windows gives it in a code page of its own, in which a user's name may not be what REAPER calls it.
-- @param getenv os.getenv
-- @param resource_path REAPER's, which names the same user
-- @return a function in place of os.getenv
function folders.environment(getenv, resource_path)
  return function(name)
    local value = getenv(name)
    if not value or utf8.len(value) then return value end
    local above = resource_path:match("^(.*)[/\\]Roaming[/\\]REAPER$")
    return name == "LOCALAPPDATA" and above and folders.join(above, "Local") or nil
  end
end

local function user_folder(system, getenv, variable, fallback)
  if system == "windows" then
    return getenv("LOCALAPPDATA") or folders.join(getenv("USERPROFILE") or "C:\\", "AppData", "Local")
  end
  local named = getenv(variable)
  if named and named:match("%S") then return named end
  local home = getenv("HOME") or "/"
  return folders.join(home, system == "macos" and "Library/Application Support" or fallback)
end

--- The state folder of the user's one service; the same answer as the service's own default.
-- @param system as `folders.system` says
-- @param getenv os.getenv, or a stand-in
-- @param named state_dir of the settings file, or nil
function folders.state(system, getenv, named)
  local chosen = named or getenv("DAW_BRIDGE_STATE")
  if chosen and chosen ~= "" then
    local below_home = chosen:match("^~[/\\](.*)$")
    return below_home and folders.join(getenv("HOME") or "/", below_home) or chosen
  end
  return folders.join(user_folder(system, getenv, "XDG_STATE_HOME", ".local/state"), "daw-bridge")
end

--- The folder of the user's own presets; the same answer as the service's own default.
function folders.user_presets(system, getenv)
  local named = getenv("DAW_BRIDGE_PRESETS")
  if named and named ~= "" then return named end
  return folders.join(user_folder(system, getenv, "XDG_CONFIG_HOME", ".config"), "daw-bridge", "presets")
end

--- The folder in which the service looks for tickets.
function folders.tickets(state) return folders.join(state, "tickets") end

--- The folder of the answers.
-- @param project folder of the DAW project
function folders.results(project) return folders.join(project, "daw_bridge", "results") end

--- The file with the answer to a request.
-- @param project folder of the DAW project
function folders.result(project, reqid) return folders.join(folders.results(project), reqid .. ".json") end

--- The folder of sounds that were taken out of REAPER for a request.
-- Each is removed when its remix is there; the service removes what is left of jobs that it has forgotten.
function folders.contents(project) return folders.join(project, "daw_bridge", "contents") end

--- The file that the service writes its state and the progress of its jobs to.
function folders.progress(state) return folders.join(state, "progress.json") end

--- A name of a WAV file for some text: nothing in it that a system forbids or a render would take for a wildcard.
-- @param ending a few letters that make it unique
function folders.wave_name(name, ending)
  local plain = name:gsub('[%c/\\:*?"<>|$%%]', "_"):gsub("^[%s.]+", ""):gsub("%.%w%w%w%w?$", "")
  if not utf8.len(plain) then plain = plain:gsub("[\128-\255]", "_") end
  while #plain > MAX_NAME_BYTES do plain = plain:sub(1, utf8.offset(plain, -1) - 1) end
  return ("%s %s.wav"):format(plain:match("%S") and plain or "content", ending)
end

return folders
