// What the plugin is, for DPF. GPL-3.0-or-later.
#pragma once

#define DISTRHO_PLUGIN_BRAND "daw-bridge"
#define DISTRHO_PLUGIN_NAME "Bridge Test"
#define DISTRHO_PLUGIN_URI "urn:daw-bridge:bridge-test"
#define DISTRHO_PLUGIN_BRAND_ID Dawb
#define DISTRHO_PLUGIN_UNIQUE_ID BrTs
#define DISTRHO_PLUGIN_HAS_UI 0
#define DISTRHO_PLUGIN_IS_RT_SAFE 0
#define DISTRHO_PLUGIN_NUM_INPUTS 2
#define DISTRHO_PLUGIN_NUM_OUTPUTS 2
#define DISTRHO_PLUGIN_WANT_LATENCY 1
#define DISTRHO_PLUGIN_VST3_CATEGORIES "Fx"
