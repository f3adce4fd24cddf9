#!/bin/sh
# Behaves as rpicam-vid does towards the program that starts it. `mood`, beside the folder of the script, says how it feels.
here=$(dirname "$0")/..
mood=$(cat "$here/mood" 2>/dev/null)
echo $$ >"$here/pid"

fail() {
    echo "ERROR: *** $1 ***" >&2
    exit 255
}

# libcamera's own lines, which come before the program's.
libcamera() {
    echo "[0:26:48.812033] [2212] $1" >&2
}

printf '%s\n' "$@" >"$here/arguments"
width=640 height=480 framerate=30 camera=0 codec=h264 output= timeout=5 list=
while [ $# -gt 0 ]; do
    option=$1
    shift
    case $option in
    --*=*) value=${option#*=} option=${option%%=*} ;;
    --hflip | --vflip | --flush | --nopreview | -n) continue ;;
    --list-cameras) list=yes && continue ;;
    *)
        [ $# -gt 0 ] || fail "the required argument for option '$option' is missing"
        value=$1
        shift
        ;;
    esac
    case $option in
    --width) width=$value ;;
    --height) height=$value ;;
    --framerate) framerate=$value ;;
    --camera) camera=$value ;;
    --codec) codec=$value ;;
    -o | --output) output=$value ;;
    -t | --timeout) timeout=$value ;;
    --exposure)
        case $value in normal | sport | short | long | custom) ;; *) fail "Invalid exposure mode:$value" ;; esac
        ;;
    --awb)
        case $value in
        auto | incandescent | tungsten | fluorescent | indoor | daylight | cloudy | custom) ;;
        *) fail "Invalid AWB mode: $value" ;;
        esac
        ;;
    --metering)
        case $value in centre | spot | average | custom) ;; *) fail "Invalid metering mode: $value" ;; esac
        ;;
    --autofocus-mode)
        case $value in default | manual | auto | continuous) ;; *) fail "Invalid AfMode:$value" ;; esac
        ;;
    --rotation)
        case $value in
        0 | 180) ;;
        90 | 270) fail "transforms requiring transpose not supported" ;;
        *) fail "illegal rotation value" ;;
        esac
        ;;
    --awbgains)
        case $value in *,*) ;; *) fail "Invalid AWB gains" ;; esac
        ;;
    --shutter | --flicker-period | --quality)
        case $value in *[!0-9]*) fail "the argument ('$value') for option '$option' is invalid" ;; esac
        ;;
    --autofocus-range | --lens-position | --denoise | --roi | --tuning-file | --gain) ;;
    --ev | --brightness | --contrast | --saturation | --sharpness) ;;
    *) fail "unrecognised option '$option'" ;;
    esac
    [ "$mood" != "old" ] || [ "$option" != --autofocus-mode ] || fail "unrecognised option '$option'"
done

case $mood in
legacy)
    echo "ERROR: the system appears to be configured for the legacy camera stack" >&2
    exit 255
    ;;
elsewhere)
    echo "ERROR: rpicam-apps currently only supports the Raspberry Pi platforms." >&2
    echo "Contributions for other platforms are welcome at https://github.com/raspberrypi/rpicam-apps." >&2
    exit 255
    ;;
esac

if [ -n "$list" ]; then
    [ "$mood" != none ] || { echo "No cameras available!" && exit 0; }
    cat <<LIST
Available cameras
-----------------
0 : imx708 [4608x2592 10-bit RGGB] (/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a)
    Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]
                             2304x1296 [56.03 fps - (0, 0)/4608x2592 crop]
                             4608x2592 [14.35 fps - (0, 0)/4608x2592 crop]

1 : ov5647 [2592x1944 10-bit GBRG] (/base/axi/pcie@120000/rp1/i2c@80000/ov5647@36)
    Modes: 'SGBRG10_CSI2P' : 640x480 [58.92 fps - (16, 0)/2560x1920 crop]
                             2592x1944 [15.63 fps - (0, 0)/2592x1944 crop]

LIST
    exit 0
fi

libcamera " INFO Camera camera_manager.cpp:327 libcamera v0.3.2+27-7330f29b"
[ "$mood" != none ] || fail "no cameras available"
[ "$camera" -lt 2 ] || fail "selected camera is not available"
if [ "$mood" = busy ]; then
    libcamera " INFO Camera camera.cpp:841 Pipeline handler in use by another process"
    fail "failed to acquire camera /base/axi/pcie@120000/rp1/i2c@88000/imx708@1a"
fi
[ "$output" = - ] || fail "this writes a file"
[ "$codec" = mjpeg ] || fail "this is no MJPEG"
[ "$timeout" = 0 ] || fail "this ends by itself"
libcamera " INFO RPI pipeline_base.cpp:1446 Using configuration file"

frames() {
    ffmpeg -v error -re -f lavfi -i "testsrc=size=${width}x$height:rate=$framerate" "$@" -c:v mjpeg -f mjpeg -
}

case $mood in
dies)
    frames -frames:v 3
    fail "failed to start camera"
    ;;
hangs)
    frames -frames:v 3
    exec sleep 1000
    ;;
unplugged)
    frames -frames:v 3
    while sleep 0.5; do
        libcamera " WARN V4L2 v4l2_videodevice.cpp:2150 /dev/video0[16:cap]: Dequeue timer of 1000000.00us has expired!"
        libcamera "ERROR RPI pipeline_base.cpp:1364 Camera frontend has timed out!"
        libcamera "ERROR RPI pipeline_base.cpp:1365 Please check that your camera sensor connector is attached securely."
        libcamera "ERROR RPI pipeline_base.cpp:1366 Alternatively, try another cable and/or sensor."
        echo "ERROR: Device timeout detected, attempting a restart!!!" >&2
    done
    ;;
half)
    frames -frames:v 1
    frames -frames:v 1 | head -c 3000
    exit 0
    ;;
esac
frames
