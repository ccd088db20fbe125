# SPDX-License-Identifier: MIT
# --help, the man pages and the configuration file's page have the same options, no more and no fewer.
: "${top_builddir:=$PWD}" "${top_srcdir:=$PWD}"
count=0 failures=0
is() {
	count=$((count + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $count - $1"
	else
		failures=$((failures + 1))
		echo "not ok $count - $1"
		diff <(echo "$3") <(echo "$2") | sed 's/^/# /'
	fi
}
man=$top_srcdir/man

help_options() { "$top_builddir/$1" --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u; }
page_options() { sed -n '/^=head1 OPTIONS/,/^=head1 EXIT/p' "$man/$1" | grep '^=item' | grep -oE -- '--[a-z-]+' | sort -u; }
letters() { grep -oE '(^| )-[a-zA-Z][, ]' | tr -d ' ,' | sort -u; }

is "segfs --help and segfs(8)" "$(page_options segfs.8.pod)" "$(help_options segfs)"
is "their letters" "$(sed -n '/^=head1 OPTIONS/,/^=head1 EXIT/p' "$man/segfs.8.pod" | grep '^=item' | grep -oE 'B<-[a-zA-Z]>' |
	grep -oE -- '-[a-zA-Z]' | sort -u)" "$("$top_builddir/segfs" --help | grep -E '^ +-' | letters)"
is "segfsctl --help and segfsctl(8)" "$(page_options segfsctl.8.pod)" "$(help_options segfsctl)"
is "segfsctl's commands" "$(sed -n '/^=head1 COMMANDS/,/^=head1 OPTIONS/p' "$man/segfsctl.8.pod" | grep -oE '^=item B<[a-z]+' |
	cut -c 9- | sort -u)" "$("$top_builddir/segfsctl" --help | sed -n '/^Commands/,/^Options/p' | grep -oE '^  [a-z]+' | tr -d ' ' | sort)"

# Settings, which are keys as well: those before "Options of the command line".
settings() { "$top_builddir/segfs" --help | sed '1,/^Settings/d; /^Options of/,$d' | grep -oE -- '--[a-z-]+' | cut -c 3- | tr - _; }
keys() { sed -n '/^=head1 KEYS/,/^=head1 EXAMPLE/p' "$man/segfs.conf.5.pod" | grep '^=item' | grep -oE 'B<[a-z_]+>' | tr -d 'B<>'; }
is "keys of segfs.conf(5)" "$(keys | sort)" "$({ settings; printf 'store\nmountpoint\n'; } | sort)"
known=$(for key in $(keys); do
	printf '[segfs]\n%s=?\n' "$key" >"options-$$.conf"
	"$top_builddir/segfs" --config "options-$$.conf" 2>&1 | grep "unknown key"
done)
rm -f "options-$$.conf"
is "each is a key" "$known" ""
known=$(for key in $(settings); do "$top_builddir/segfs" -o "$key=?" x y 2>&1 | grep "unknown option"; done)
is "and a word of -o" "$known" ""
for page in "$man"/*.pod; do
	is "$(basename "$page") is right POD" "$(podchecker "$page" 2>&1 | grep -cE 'ERROR|WARNING')" 0
done
echo "1..$count"
[ $failures -eq 0 ]
