-- @noindex
-- What the scripts say, in one place, one sentence each.

local messages = {}

messages.title = "daw_bridge"

messages.unsaved_project = "Save the project first, so that the remix has a folder to go to."
messages.no_item = "Select one or more audio items to remix; of two, the second is the style."
messages.too_many = "%d %s are selected: select at most %d to remix at once."
messages.no_style = "No style was chosen, so nothing was asked for."
messages.style_missing = "The style file %s cannot be read."
messages.empty_item = "The %s item is empty: choose one that holds audio."
messages.midi = "The %s item is MIDI, which has no sound of its own: render or freeze it to audio first."
messages.not_audio = "The %s item holds %s, not an audio file: render it to audio first."
messages.no_file = "The %s item has no media file: glue it first (Item: Glue items)."
messages.offline = "The media of the %s item is offline or missing: %s."
messages.too_many_channels = "The content item has %d channels; at most 8 can be remixed."
messages.too_long = "The content item is too long for one WAV file: split it first."
messages.no_last_settings = "No style was chosen in this project yet: run 'Remix selected item' once."
messages.no_time_selection = "Make a time selection over the part to remix first."
messages.no_track = "Select the tracks to remix first."
messages.renders_first = "REAPER renders %d of them first; its window shows meanwhile"
messages.not_extracted = "The sound of '%s' could not be taken out of the project: %s."
messages.not_asked = "daw_bridge: the remix of '%s' was not asked for: %s.\n"
messages.content_gone = "it is no longer in the project"
messages.nothing_shown = "The content item shows no part of its media file."
messages.register = "daw_bridge will keep its remixes in this project's folder:\n\n%s\n\nGo on?"
messages.ticket_failed = "The request could not be written: %s."
messages.waiting = "daw_bridge: the service has not taken the request for '%s' yet; it waits, and is rendered as soon as"
  .. " you start `daw-bridge serve`.\n"
messages.asked = "daw_bridge: remix of '%s' asked for (preset %s).\n"
messages.landed = "daw_bridge: the remix of '%s' is in the project.\n"
messages.failed = "The remix of '%s' failed: %s"
messages.cancelling = "daw_bridge: the remix of '%s' is being cancelled."
messages.not_cancelled = "The remix of '%s' was not cancelled: %s."
messages.nothing_to_cancel = "No remix is on its way."
messages.nothing_on_its_way = "No remix is on its way. Service: %s."
messages.cancelled = "The remix of '%s' was cancelled."
messages.result_unreadable = "The answer about '%s' cannot be read: %s."
messages.result_missing = "The remix of '%s' was rendered, but its file is not there: %s."
messages.copy_failed = "The remix of '%s' could not be copied into the project's media folder: %s. It is kept at %s."
messages.import_failed = "The remix of '%s' could not be put into the project (%s): insert it from %s."
messages.defect = "daw_bridge: this is a defect of the script, please report it: %s\n"

--- One sentence, or two where there is a hint, from the error of a result ticket.
-- @param problem table of code, message and hint, or nil
function messages.of_error(problem)
  local said = problem and (problem.message or problem.code) or "the service gave no reason"
  local sentence = (tostring(said):gsub("%s+", " "):gsub("[%s.]+$", "")) .. "."
  local hint = problem and problem.hint or ""
  return hint == "" and sentence or sentence .. " " .. tostring(hint):gsub("%s+", " ")
end

return messages
