# shellcheck shell=bash
# A screen in memory with the window on it, for scripts that press keys and look. To be sourced.
#
# What is started is noted in `screen_pids`; `screen_close` ends it. The window has to be built with the feature `dev`:
# its F12 saves what it has drawn, and it tells of each frame on standard error.

screen_pids=()
screen_hud=
# What the window is run by, if by anything.
screen_wrap=()
screen_dir=

# screen_open WIDTHxHEIGHT DIR: an X server of this size. Pictures and logs go to DIR.
screen_open() {
    local number numbers
    screen_dir=$2
    mkdir -p "$screen_dir"
    # Without -noreset the server starts anew when its last client leaves, and refuses whoever comes in that moment.
    exec {numbers}< <(exec Xvfb -displayfd 1 -screen 0 "${1}x24" -nolisten tcp -noreset 2>/dev/null)
    screen_pids+=("$!")
    read -r -t 20 number <&"$numbers" || { echo "Xvfb did not start." >&2; return 1; }
    export DISPLAY=:$number
    unset WAYLAND_DISPLAY
    screen_size=$1
}

# screen_hud_start OPTIONS...: the window, as large as the screen and with the keys, once it has drawn.
screen_hud_start() {
    local window try
    (cd "$screen_dir" && exec "${screen_wrap[@]}" "$CARGO_TARGET_DIR/debug/pylon-hud" "$@" >hud.out 2>hud.log) &
    screen_hud=$!
    screen_pids+=("$screen_hud")
    for try in $(seq 300); do
        window=$(xdotool search --onlyvisible --name '^Pylon HUD$' 2>/dev/null | head -n 1) || window=
        if [[ -n $window ]] && grep -q '^frame 3 ' "$screen_dir/hud.log"; then break; fi
        if ! kill -0 "$screen_hud" 2>/dev/null || ((try == 300)); then
            echo "The window did not open. What the program said:" >&2
            cat "$screen_dir/hud.log" "$screen_dir/hud.out" >&2
            return 1
        fi
        sleep 0.1
    done
    if ((${#screen_wrap[@]} > 0)); then
        # What it is run by does not end it when it is told to end itself.
        screen_hud=$(pgrep -P "$screen_hud" | head -n 1)
        screen_pids+=("$screen_hud")
    fi
    # There is no window manager to do it.
    xdotool mousemove 3 3 windowsize "$window" "${screen_size%x*}" "${screen_size#*x}" windowfocus --sync "$window"
    screen_rest
}

# Waits until half a second has passed without a frame, but not for ever: a running job draws all the time.
screen_rest() {
    local before after
    for _ in $(seq 20); do
        before=$(wc -l <"$screen_dir/hud.log")
        sleep 0.5
        after=$(wc -l <"$screen_dir/hud.log")
        if ((before == after)); then return; fi
    done
}

# screen_keys KEY...: as on a keyboard, one after the other.
screen_keys() {
    local key
    for key in "$@"; do
        xdotool key "$key"
        sleep 0.3
    done
}

# screen_picture NAME: what the window shows, as DIR/NAME.png.
screen_picture() {
    local file
    rm -f "$screen_dir"/pylon-hud-*.png
    xdotool key F12
    for _ in $(seq 100); do
        file=$(ls "$screen_dir"/pylon-hud-*.png 2>/dev/null) || file=
        # PNG ends with its IEND chunk: the file is whole.
        if [[ -n $file ]] && tail -c 12 "$file" | grep -q IEND; then
            mv "$file" "$screen_dir/$1.png"
            echo "$screen_dir/$1.png"
            return
        fi
        sleep 0.1
    done
    echo "No picture of $1 was taken." >&2
    return 1
}

screen_hud_stop() {
    kill "$screen_hud" 2>/dev/null || true
    wait "$screen_hud" 2>/dev/null || true
}

screen_close() {
    local index
    for ((index = ${#screen_pids[@]} - 1; index >= 0; index--)); do
        kill "${screen_pids[index]}" 2>/dev/null || true
        wait "${screen_pids[index]}" 2>/dev/null || true
    done
    screen_pids=()
    rm -f "$screen_dir"/hud.out "$screen_dir"/hud.log
}
