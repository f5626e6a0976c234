// A gain and a delay, to test how daw-bridge treats plugins of its users: one that crashes and hangs on request.
// SPDX-License-Identifier: GPL-3.0-or-later

#include "DistrhoPlugin.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <thread>
#include <vector>

START_NAMESPACE_DISTRHO

enum Index { GAIN_DB, DELAY_SAMPLES, IS_REPORTING, IS_CRASHING, IS_HANGING, NUM_PARAMETERS };

struct Knob {
    const char* name;
    const char* symbol;
    uint32_t kind;
    float standard, lowest, highest;
};

static const Knob KNOBS[NUM_PARAMETERS] = {
    {"Gain", "gain", 0, 0.0f, -60.0f, 20.0f},
    {"Delay", "delay", kParameterIsInteger, 0.0f, 0.0f, 4096.0f},
    {"Reports", "reports", kParameterIsBoolean, 1.0f, 0.0f, 1.0f},
    {"Crash", "crash", kParameterIsBoolean, 0.0f, 0.0f, 1.0f},
    {"Hang", "hang", kParameterIsBoolean, 0.0f, 0.0f, 1.0f},
};

class BridgeTest : public Plugin {
public:
    BridgeTest() : Plugin(NUM_PARAMETERS, 0, 0) {
        for (uint32_t i = 0; i < NUM_PARAMETERS; ++i)
            values[i] = KNOBS[i].standard;
        for (auto& line : lines)
            line.assign(LENGTH, 0.0f);
    }

protected:
    const char* getLabel() const override { return "BridgeTest"; }
    const char* getMaker() const override { return "daw-bridge"; }
    const char* getLicense() const override { return "GPL-3.0-or-later"; }
    uint32_t getVersion() const override { return d_version(1, 2, 3); }
    int64_t getUniqueId() const override { return d_cconst('B', 'r', 'T', 's'); }

    void initParameter(uint32_t index, Parameter& parameter) override {
        const Knob& knob = KNOBS[index];
        parameter.name = knob.name;
        parameter.symbol = knob.symbol;
        parameter.hints = kParameterIsAutomatable | knob.kind;
        parameter.ranges.def = knob.standard;
        parameter.ranges.min = knob.lowest;
        parameter.ranges.max = knob.highest;
        if (index == GAIN_DB)
            parameter.unit = "dB";
    }

    float getParameterValue(uint32_t index) const override { return values[index]; }

    void setParameterValue(uint32_t index, float value) override {
        values[index] = value;
        report();
    }

    void activate() override {
        for (auto& line : lines)
            std::fill(line.begin(), line.end(), 0.0f);
        written = 0;
        report();
    }

    void run(const float** inputs, float** outputs, uint32_t num_frames) override {
        if (values[IS_CRASHING] > 0.5f)
            std::abort();
        while (values[IS_HANGING] > 0.5f)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        const float gain = std::pow(10.0f, values[GAIN_DB] / 20.0f);
        const size_t delay = static_cast<size_t>(std::lround(values[DELAY_SAMPLES]));
        for (uint32_t n = 0; n < num_frames; ++n, ++written)
            for (size_t channel = 0; channel < lines.size(); ++channel) {
                std::vector<float>& line = lines[channel];
                line[written % LENGTH] = inputs[channel][n];
                outputs[channel][n] = gain * line[(written - delay) % LENGTH];
            }
    }

private:
    static constexpr size_t LENGTH = 1 << 13;
    std::array<float, NUM_PARAMETERS> values;
    std::array<std::vector<float>, 2> lines;
    size_t written = 0;

    void report() {
        setLatency(values[IS_REPORTING] > 0.5f ? static_cast<uint32_t>(std::lround(values[DELAY_SAMPLES])) : 0);
    }

    DISTRHO_DECLARE_NON_COPYABLE_WITH_LEAK_DETECTOR(BridgeTest)
};

Plugin* createPlugin() { return new BridgeTest; }

END_NAMESPACE_DISTRHO
