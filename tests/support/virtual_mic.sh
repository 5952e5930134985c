#!/bin/sh
# A microphone without hardware: a private PulseAudio whose null sink is what the microphone hears.
#
#   virtual_mic.sh start DIR         start it; everything it needs lies in DIR, nothing else is touched
#   virtual_mic.sh env DIR           print the variables that lead programs to it: eval "$(virtual_mic.sh env DIR)"
#   virtual_mic.sh say DIR FILE      play FILE into the microphone; returns when all of it was played
#   virtual_mic.sh mute|unmute DIR   a muted microphone gives digital silence
#   virtual_mic.sh unplug|plug DIR   the device goes away as a USB plug that is pulled, and comes again
#   virtual_mic.sh kill DIR          the sound server dies; `start DIR` brings it back
#   virtual_mic.sh stop DIR          end it
#
# ALSA, and so PortAudio, sees it as "default", "pulse" and "Desk Microphone"; "Headset" is listed, but cannot be opened.
# Debian: pulseaudio pulseaudio-utils libasound2-plugins libportaudio2 (see install_test_packages.sh).
set -eu

command=${1:?what to do} folder=${2:?in which folder}
mkdir -p "$folder/run" "$folder/state"
folder=$(cd "$folder" && pwd)
RATE_HZ=48000

variables() {
    cat <<END
export PULSE_SERVER=unix:$folder/socket
export PULSE_RUNTIME_PATH=$folder/run
export PULSE_STATE_PATH=$folder/state
export PULSE_COOKIE=$folder/cookie
export ALSA_CONFIG_PATH=$folder/alsa.conf
END
}

alsa_configuration() {
    cat <<END
</usr/share/alsa/alsa.conf>
pcm.!default { type pulse }
ctl.!default { type pulse }
pcm."Desk Microphone" { type pulse device microphone hint { show on description "Desk Microphone" } }
pcm."Headset" { type pulse device headset hint { show on description "Headset" } }
END
}

# Without norewinds, the sink's monitor comes in blocks of up to two seconds and loses the beginning.
SINK="module-null-sink norewinds=1 format=s16le channels=1 rate=$RATE_HZ"

plug() {
    # shellcheck disable=SC2086
    pactl load-module $SINK sink_name=speaker >/dev/null
    pactl load-module module-remap-source master=speaker.monitor source_name=microphone channels=1 >/dev/null
    pactl set-default-sink speaker
    pactl set-default-source microphone
}

start() {
    chmod 700 "$folder" "$folder/run" "$folder/state"
    alsa_configuration >"$folder/alsa.conf"
    # -n: no start-up script, so that it looks for neither hardware nor a desktop.
    env -u DISPLAY -u DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR="$folder/run" HOME="$folder" setsid pulseaudio -n \
        --daemonize=no --exit-idle-time=-1 --use-pid-file=no --realtime=no --high-priority=no --disable-shm=yes \
        --log-target=stderr --log-level=notice \
        -L "module-native-protocol-unix socket=$folder/socket auth-anonymous=1" \
        >"$folder/log" 2>&1 </dev/null &
    echo $! >"$folder/pid"
    tries=0
    until pactl info >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -gt 100 ] || ! kill -0 "$(cat "$folder/pid")" 2>/dev/null; then
            echo "PulseAudio does not start: $(tail -n 1 "$folder/log")" >&2
            exit 1
        fi
        sleep 0.05
    done
    plug
}

end() {
    pid=$(cat "$folder/pid" 2>/dev/null) || return 0
    kill "-$1" "$pid" 2>/dev/null || true
    tries=0
    while kill -0 "$pid" 2>/dev/null && [ $tries -lt 60 ]; do
        tries=$((tries + 1))
        sleep 0.05
    done
    rm -f "$folder/pid" "$folder/socket"
}

eval "$(variables)"
case $command in
start) start ;;
env) variables ;;
say) exec paplay --device=speaker "${3:?which file}" ;;
mute) pactl set-source-mute microphone 1 ;;
unmute) pactl set-source-mute microphone 0 ;;
unplug)
    # It must be the only one: PulseAudio leads a recording on to another microphone where there is one.
    pactl unload-module module-remap-source
    pactl unload-module module-null-sink
    ;;
plug) plug ;;
kill) end KILL ;;
stop) end TERM ;;
*)
    echo "virtual_mic.sh: unknown command $command" >&2
    exit 2
    ;;
esac
