#!/bin/sh
# Writes ../scan.pdf and ../receipt.jpg from letter.txt and receipt.txt. Needs ImageMagick 6, the DejaVu fonts and Node;
# neither gaffr nor its tests need them.
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The letter: A4 at 150 dots an inch, a touch of skew, paper grey and scanner noise.
convert -size 1240x1754 xc:white -font DejaVu-Serif -pointsize 31 -interline-spacing 10 -fill '#202020' \
  -annotate +150+220 "$(cat letter.txt)" \
  -stroke '#303060' -strokewidth 3 -fill none \
  -draw 'path "M 155,1330 C 185,1260 205,1390 235,1310 C 255,1270 265,1370 295,1320 C 325,1280 345,1360 420,1300"' \
  -background '#f6f6f6' -rotate 0.4 -gravity center -crop 1240x1754+0+0 +repage \
  -colorspace Gray -attenuate 0.12 -seed 7 +noise Gaussian -level 0%,97% -quality 62 "$scratch/scan.jpg"
node wrap-scan.mjs "$scratch/scan.jpg" ../scan.pdf

# The receipt: a slip of paper on a dark table, slightly turned, unevenly lit, soft and noisy.
convert -size 760x1130 xc:'#f4f1e8' -font DejaVu-Sans-Mono -pointsize 37 -interline-spacing 7 -fill '#2b2b2b' \
  -annotate +48+85 " $(printf '\n'; cat receipt.txt)" "$scratch/slip.png"
convert -size 1100x1460 gradient:'#4a4038-#2c2621' \
  \( "$scratch/slip.png" -background none -rotate 1.8 \) -gravity center -composite \
  \( -size 1100x1460 radial-gradient:'#ffffff-#a8a8a8' \) -compose Multiply -composite \
  -blur 0x0.7 -attenuate 0.35 -seed 11 +noise Gaussian -quality 72 "$scratch/receipt.jpg"
node add-exif.mjs "$scratch/receipt.jpg" ../receipt.jpg
