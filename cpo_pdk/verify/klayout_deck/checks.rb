# What the rules below are made of. Lengths are whole database units (1 nm), places are those of the top cell.
# The same meaning as `cpo check`: distances are Euclidian, between the edges of merged polygons; sides that make 60
# degrees or more are a corner and no width or gap; the corner of a slanted edge is rounded to the grid, so that two such
# edges may measure 1.42 nm less than the limit, while two edges along x or y longer than 1 um may not.
checks = Class.new do

  def initialize(drc, numbers)
    @drc, @numbers = drc, numbers
    @layout, @top = drc.source.layout, drc.source.cell_obj
    @merged, @borders, @here, @facets = {}, {}, {}, {}
    @counts, @seconds = {}, {}
  end

  # -- what there is ---------------------------------------------------------------------------------------------------

  # How often each cell stands under the top cell, by cell index, callers before callees.
  def placements
    @placements ||= begin
      below = (@top.called_cells + [@top.cell_index]).map { |index| [index, true] }.to_h
      times = Hash.new(0)
      times[@top.cell_index] = 1
      @layout.each_cell_top_down do |index|
        next unless below[index]
        @layout.cell(index).each_inst { |inst| times[inst.cell_index] += times[index] * inst.size }
      end
      times
    end
  end

  # Number of shapes by layer name, every instance counted; only layers that hold any.
  def shapes
    @shapes ||= @numbers.keys.map do |name|
      index = index_of(name)
      [name, index ? placements.sum { |cell, times| times * @layout.cell(cell).shapes(index).size } : 0]
    end.to_h.select { |_, number| number > 0 }
  end

  # Why there is nothing that could be checked; nil when there is.
  def refusal
    tops = @layout.top_cells.select { |cell| !cell.bbox.empty? }
    if (@layout.dbu / 0.001 - 1.0).abs > 1e-9
      "database unit #{@layout.dbu} um, must be 0.001 um; scale the layout first"
    elsif tops.size > 1 && @top.is_top?
      "#{tops.size} top cells (#{tops.map(&:name).sort.first(8).join(', ')}), 1 allowed; keep one"
    elsif shapes.empty?
      "no shape on any layer of the process under #{@top.name}; nothing was looked at"
    end
  end

  def index_of(name)
    @layout.find_layer(*@numbers.fetch(name))
  end

  # Runs one rule: what its block gives becomes the markers of the category `name`.
  def rule(name, meaning)
    start = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    found = yield self
    found = found.is_a?(Array) ? RBA::EdgePairs::new(found) : flat(found)
    @drc.output(DRC::DRCLayer::new(@drc, found), name, meaning)
    @counts[name] = found.count
    @seconds[name] = Process.clock_gettime(Process::CLOCK_MONOTONIC) - start
  end

  # A marker over everything: the run ended before the last rule.
  def stopped(fault)
    where = frame(@top.bbox)
    all = DRC::DRCLayer::new(@drc, RBA::EdgePairs::new([where]))
    @drc.output(all, "NOT.FINISHED", "stopped after #{@counts.size} rules, the others were not checked: #{fault}")
  end

  # What was done and what was not, in the output of the run.
  def summary(missing, words)
    slowest, seconds = @seconds.max_by { |_, time| time }
    violated = @counts.select { |_, number| number > 0 }
    lines = ["#{shapes.values.sum} shapes on #{shapes.size} layers against #{@counts.size} rules: " +
             "#{@counts.values.sum} markers of #{violated.size} rules" + (violated.empty? ? "" : ":")]
    lines += violated.map { |name, number| "  #{name} #{number}" }
    lines << "slowest: #{slowest}, #{'%.1f' % seconds} s"
    lines << "not in this deck, run cpo check: #{missing} rules (#{words})" if missing > 0
    lines.each { |line| $stdout.puts("cpo: #{line}") }
    $stdout.flush
  end

  # -- layers ----------------------------------------------------------------------------------------------------------

  # Merged polygons of a layer.
  def merged(name)
    @merged[name] ||= @drc.polygons(*@numbers.fetch(name)).merged.raw
  end

  # Their edges, material on the right.
  def borders(name)
    @borders[name] ||= merged(name).edges.raw
  end

  # Merged polygons of a layer around a box.
  def around(name, box)
    index = index_of(name)
    return RBA::Region::new unless index
    RBA::Region::new(RBA::RecursiveShapeIterator::new(@layout, @top, [index], box)).merged
  end

  # A copy in the coordinates of the top cell. While Ruby walks through a deep collection, the memory that Ruby frees
  # meanwhile may change the hierarchy under it: it is copied in one go.
  def flat(data)
    copy = data.class::new
    copy.merged_semantics = false if copy.respond_to?(:merged_semantics=)
    copy.insert(data)
    copy
  end

  # What a collection holds, one by one.
  def each_of(data)
    flat(data).each { |thing| yield thing }
  end

  def options
    [@drc.euclidian, @drc.whole_edges, @drc.angle_limit(60.0)]
  end

  # -- distances -------------------------------------------------------------------------------------------------------

  def width(name, limit)
    of_one_layer(borders(name).width(limit, *options), name, limit, true) +
      pointed(notches(name), name, limit, true)
  end

  def space(name, limit)
    of_one_layer(borders(name).space(limit, *options), name, limit, false) +
      pointed(needles(name), name, limit, false)
  end

  def notch(name, limit)
    of_one_layer(merged(name).notch(limit, *options), name, limit, false)
  end

  def isolation(name, limit)
    of_one_layer(merged(name).isolated(limit, *options), name, limit, false)
  end

  def separation(first, second, limit)
    a, b = near_each_other(first, second, limit)
    short(a.separation(b, limit, *options), first, second, limit) +
      pointed(needles(first), second, limit) + pointed(needles(second), first, limit) +
      boxes(merged(first) & merged(second))
  end

  def enclosure(inner, outer, limit)
    pairs = borders(outer).enclosing(borders(inner), limit, *options)
    found = each_short(pairs, outer, inner, limit).map { |pair, _| RBA::EdgePair::new(pair.second, pair.second) }
    found + pointed(needles(inner), outer, limit) + pointed(notches(outer), inner, limit) +
      boxes(without_slivers(merged(inner) - merged(outer)))
  end

  def extension(inner, other, limit)
    short(borders(inner).enclosing(borders(other), limit, *options), inner, other, limit)
  end

  def overlap(first, second, limit)
    shared = (merged(first) & merged(second)).merged.edges.raw
    short(shared.width(limit, *options), nil, nil, limit) +
      short(borders(first).overlap(borders(second), limit, *options), first, second, limit)
  end

  # Borders of two layers, of the larger one only what is near to the other: KLayout compares all edges that are within
  # the limit of each other, those of the same layer too.
  def near_each_other(first, second, limit)
    a, b = borders(first), borders(second)
    return [a, b] if limit < 2000
    if a.data.count < b.data.count
      [a, b.interacting(merged(first).extents(limit)).raw]
    else
      [a.interacting(merged(second).extents(limit)).raw, b]
    end
  end

  # -- areas -----------------------------------------------------------------------------------------------------------

  def inside(inner, covers)
    without_slivers(merged(inner) - union(covers)).data
  end

  def exclusion(name, others)
    others.flat_map { |other| boxes(without_slivers(merged(name) & merged(other))) }
  end

  def area(name, limit)
    too_small(merged(name).data, limit)
  end

  def hole(name, limit)
    too_small(merged(name).holes.raw.data, limit)
  end

  # Polygons smaller than the limit by more than the rounding of their slanted edges explains; a cut line that joins a
  # hole to the outside is counted no longer than twice the border of the smallest square.
  def too_small(region, limit)
    longest = 8 * Math.sqrt(limit)
    found = []
    each_of(region.with_area(0, limit, false)) do |polygon|
      slanted = 0.0
      polygon.each_edge { |edge| slanted += edge.length unless along_axis?(edge) }
      found << frame(polygon.bbox) if polygon.area < limit - Math.sqrt(0.5) * [slanted, longest].min
    end
    found
  end

  def collision(names, limit)
    all = RBA::Region::new
    names.map { |name| index_of(name) }.compact.each do |index|
      all.insert(RBA::RecursiveShapeIterator::new(@layout, @top, index))
    end
    opening = [1, limit / 2].max
    all.merged_semantics = false
    all.merged(false, 2).sized(-opening).sized(opening)
  end

  # -- a whole die -----------------------------------------------------------------------------------------------------

  def in_die(names, die)
    return [] if merged(die).data.is_empty?
    names.flat_map { |name| boxes(without_slivers(merged(name) - merged(die))) }
  end

  def floating(name, others, die, mark = nil)
    alone = merged(name).not_interacting(union(others)).interacting(merged(die))
    alone = alone.not_covering(merged(mark)) if mark
    boxes(alone, false)
  end

  # Windows of `count` by `count` bins of side `step` of which the layer covers less than `least` or more than `most`.
  def density(name, die, step, count, least, most)
    dies(die).flat_map do |outline, to_top|
      box = outline.bbox
      columns, rows = -(-box.width / step), -(-box.height / step)
      raise "a die of #{box.width} by #{box.height} nm has too many windows" if columns * rows > 4_000_000
      body = RBA::Region::new(outline)
      index = index_of(name)
      drawn = RBA::Region::new
      if index
        shapes = RBA::RecursiveShapeIterator::new(@layout, @top, index, box.transformed(to_top), true)
        drawn = RBA::Region::new(shapes).transformed(to_top.inverted) & body
      end
      held, covered = by_bin(body, box, step, columns, rows), by_bin(drawn, box, step, columns, rows)
      windows(held, covered, box, step, count, columns, rows, least, most).map { |window| frame(window.transformed(to_top)) }
    end
  end

  def windows(held, covered, box, step, count, columns, rows, least, most)
    enough = 0.5 * [(count * step)**2, box.area].min
    found = []
    # the last window of a row or column is the first that reaches the far side
    [1, rows - count + 1].max.times do |j|
      [1, columns - count + 1].max.times do |i|
        bins = (j...[j + count, rows].min).flat_map { |y| (i...[i + count, columns].min).map { |x| y * columns + x } }
        room = bins.sum { |bin| held[bin] }
        next if room < enough || room == 0
        share = bins.sum { |bin| covered[bin] } / room.to_f
        next unless share > most + 1e-9 || share < least - 1e-9
        left, bottom = box.left + i * step, box.bottom + j * step
        found << (RBA::Box::new(left, bottom, left + count * step, bottom + count * step) & box)
      end
    end
    found
  end

  # Area of a region in each bin, row by row from the lower left. Every second bin at a time: bins that touch would be
  # one polygon.
  def by_bin(region, box, step, columns, rows)
    areas = Array.new(columns * rows, 0)
    [0, 1].product([0, 1]).each do |down, across|
      tiles = RBA::Region::new
      (down...rows).step(2) do |j|
        (across...columns).step(2) do |i|
          left, bottom = box.left + i * step, box.bottom + j * step
          tiles.insert(RBA::Box::new(left, bottom, left + step, bottom + step))
        end
      end
      (region & tiles).each do |polygon|
        center = polygon.bbox.center
        areas[(center.y - box.bottom) / step * columns + (center.x - box.left) / step] += polygon.area
      end
    end
    areas
  end

  # Outlines of the dies, in the coordinates of the cell of each, with every place of it. That cell is the highest one
  # that holds the outline and no other die.
  def dies(name)
    index = index_of(name)
    return [] unless index
    outlines = {}
    @layout.each_cell_bottom_up do |cell_index|
      cell = @layout.cell(cell_index)
      outlines[cell_index] = cell.shapes(index).size
      cell.each_inst { |inst| outlines[cell_index] += outlines[inst.cell_index] * inst.size }
    end
    open, found = { @top.cell_index => true }, {}
    placements.each_key do |cell_index|
      next unless open[cell_index] && outlines[cell_index] > 0
      cell = @layout.cell(cell_index)
      if outlines[cell_index] > 1 && cell.shapes(index).is_empty?
        cell.each_inst { |inst| open[inst.cell_index] = true }
      else
        region = RBA::Region::new(RBA::RecursiveShapeIterator::new(@layout, cell, index)).merged
        found[cell_index] = region.each.map(&:dup)
      end
    end
    each_place(found.keys).flat_map { |cell_index, to_top| found[cell_index].map { |outline| [outline, to_top] } }
  end

  # -- corners ---------------------------------------------------------------------------------------------------------

  # Corners off the grid, and whatever is turned or scaled so that its corners fall off it.
  def grid(names, step)
    found = []
    if step > 1
      names.each do |name|
        @drc.polygons(*@numbers.fetch(name)).raw.ongrid(step).data.each { |pair| found << pair.dup }
      end
    end
    found + turned(names.map { |name| index_of(name) }.compact)
  end

  def angle(names, limit)
    names.flat_map do |name|
      corners = []
      each_of(merged(name).data) do |polygon|
        loops = [polygon.each_point_hull.to_a]
        polygon.holes.times { |hole| loops << polygon.each_point_hole(hole).to_a }
        loops.each { |points| corners += sharp(points, limit) }
      end
      corners.map { |corner| frame(RBA::Box::new(corner, corner).enlarged(10, 10)) }
    end
  end

  # -- records of the file, on every layer of it -----------------------------------------------------------------------

  def points(limit)
    records(RBA::Shapes::SPolygons | RBA::Shapes::SPaths) do |shape|
      (shape.is_path? ? shape.path.num_points : shape.polygon.num_points) > limit
    end
  end

  def no_area
    records(RBA::Shapes::SPolygons | RBA::Shapes::SPaths | RBA::Shapes::SBoxes) { |shape| shape.area == 0 }
  end

  def odd_path
    records(RBA::Shapes::SPaths) { |shape| shape.path_width.odd? }
  end

  def records(kinds)
    guilty = {}
    placements.each_key do |cell|
      @layout.layer_indexes.each do |layer|
        @layout.cell(cell).shapes(layer).each(kinds) { |shape| (guilty[cell] ||= []) << shape.bbox if yield shape }
      end
    end
    places_of(guilty)
  end

  # -- pairs of edges --------------------------------------------------------------------------------------------------

  # The shortest way between two edges.
  def way(a, b)
    return [0.0, 0.0] if a.respond_to?(:intersects?) ? a.intersects?(b) : a.intersect?(b)
    [way_to(a.p1, b), way_to(a.p2, b), way_to(b.p1, a), way_to(b.p2, a)].min_by { |x, y| Math.hypot(x, y) }
  end

  def way_to(point, edge)
    dx, dy = edge.x2 - edge.x1, edge.y2 - edge.y1
    share = share_of(point, edge)
    [point.x - edge.x1 - share * dx, point.y - edge.y1 - share * dy]
  end

  # How far along an edge the point of it lies that is nearest to another point, 0 to 1.
  def share_of(point, edge)
    dx, dy = edge.x2 - edge.x1, edge.y2 - edge.y1
    square = dx * dx + dy * dy
    square == 0 ? 0.0 : ((point.x - edge.x1) * dx + (point.y - edge.y1) * dy).fdiv(square).clamp(0.0, 1.0)
  end

  def along_axis?(edge)
    edge.x1 == edge.x2 || edge.y1 == edge.y2
  end

  # How much less than drawn a distance may measure for each end of it that was rounded.
  def rounding(way)
    length = Math.hypot(*way)
    length == 0 ? 0.0 : [(way[0].abs + way[1].abs) / 2 + 1.0, length / Math.sqrt(2.0)].min / length
  end

  # Distance of a pair when it is below the limit by more than rounding explains, else nil. `names`: layers of the first
  # and the second edge, nil where a short edge along x or y is taken for a facet of a curve unseen.
  def shortfall(pair, limit, names)
    way = way(pair.first, pair.second)
    gap = Math.hypot(*way)
    return nil if gap >= limit - 1e-6
    allowed, short_by = rounding(way), limit - gap
    return gap if short_by > 2 * allowed + 1e-6
    ends = [pair.first, pair.second].zip(names).count do |edge, name|
      !along_axis?(edge) || (edge.length <= 1000 && (name.nil? || facet?(name, edge)))
    end
    short_by > ends * allowed + 1e-6 ? gap : nil
  end

  # True when a neighbour goes on from an edge nearly straight: both are facets of one curve.
  def facet?(name, edge)
    key = [name, edge.x1, edge.y1, edge.x2, edge.y2]
    return @facets[key] if @facets.key?(key)
    @facets[key] = around(name, edge.bbox.enlarged(1, 1)).edges.each.any? do |other|
      next false if other == edge || !meet?(edge, other)
      cross, dot = edge.dx * other.dy - edge.dy * other.dx, edge.dx * other.dx + edge.dy * other.dy
      turn = Math.atan2(cross, dot).abs * 180.0 / Math::PI
      turn > 0.0 && turn < 45.0
    end
  end

  # Pairs that are nearer than the limit by more than rounding explains, with their distance.
  def each_short(pairs, first, second, limit)
    found = []
    each_of(pairs.data) do |pair|
      gap = shortfall(pair, limit, [first, second])
      found << [pair.dup, gap] if gap
    end
    found
  end

  def short(pairs, first, second, limit)
    each_short(pairs, first, second, limit).map { |pair, _| shown(pair, limit) }
  end

  # Pairs of one layer with material between them or without. Edges that meet in a corner count only as a pointed end
  # of the material; edges that don't lie across each other only as a neck or a gap between two corners.
  def of_one_layer(pairs, name, limit, material)
    kept = each_short(pairs, name, name, limit).select do |pair, gap|
      a, b = pair.first, pair.second
      next false if meet?(a, b) && !(material && (a.p2 == b.p1 || b.p2 == a.p1))
      beside = gap > 0 && !(across(a, b) > 1.0 || across(b, a) > 1.0)
      !beside || nearest_ends(a, b).all? { |corner| reflex?(name, corner) == material }
    end
    kept.map { |pair, _| shown(pair, limit) }
  end

  def meet?(a, b)
    [a.p1, a.p2].any? { |end_a| [b.p1, b.p2].any? { |end_b| end_a == end_b } }
  end

  # Length of the projection of `a` on `b` that falls on `b`.
  def across(a, b)
    dx, dy = b.x2 - b.x1, b.y2 - b.y1
    length = Math.hypot(dx, dy)
    return 0.0 if length == 0
    first = ((a.x1 - b.x1) * dx + (a.y1 - b.y1) * dy) / length
    last = ((a.x2 - b.x1) * dx + (a.y2 - b.y1) * dy) / length
    [[first, last].max, length].min - [[first, last].min, 0.0].max
  end

  def nearest_ends(a, b)
    [a.p1, a.p2].product([b.p1, b.p2]).min_by { |p, q| p.sq_distance(q) }
  end

  # True when more than half of the surroundings of a corner is material.
  def reflex?(name, corner)
    @here[[name, corner.x, corner.y]] ||= begin
      box = RBA::Box::new(corner, corner).enlarged(20, 20)
      (around(name, box) & RBA::Region::new(box)).area > 0.5 * box.area ? :inner : :outer
    end
    @here[[name, corner.x, corner.y]] == :inner
  end

  # The parts of two whole edges that are within the limit of each other.
  def shown(pair, limit)
    a, b = pair.first, pair.second
    RBA::EdgePair::new(a.clipped(b.bbox.enlarged(limit, limit)) || a, b.clipped(a.bbox.enlarged(limit, limit)) || b)
  end

  # -- pointed corners: what pairs of edges can't see ------------------------------------------------------------------

  # Corners of the material below 61 degrees.
  def needles(name)
    dots(merged(name).data.corners_dots(-180.0, -119.0, true, true))
  end

  # Corners of the gaps in the material below 61 degrees.
  def notches(name)
    dots(merged(name).data.corners_dots(119.0, 180.0, true, true))
  end

  def dots(edges)
    corners = []
    each_of(edges) { |edge| corners << edge.p1 }
    corners
  end

  # Corners nearer than the limit to an edge of a layer that doesn't end in them; `through`: whether the way there has to
  # lead through material (a width) or not (a gap); nil when it doesn't matter.
  def pointed(corners, name, limit, through = nil)
    found = []
    corners.each do |corner|
      region = around(name, RBA::Box::new(corner, corner).enlarged(limit, limit))
      worst = nil
      region.edges.each do |edge|
        way = way_to(corner, edge)
        gap = Math.hypot(*way)
        allowed = rounding(way) * (along_axis?(edge) && edge.length > 1000 ? 1 : 2)
        next if edge.p1 == corner || edge.p2 == corner || gap >= limit - allowed || (worst && gap >= worst[0])
        foot = foot_on(edge, corner)
        middle = RBA::Point::new((corner.x + foot.x).div(2), (corner.y + foot.y).div(2))
        next if through != nil && region.each.any? { |polygon| polygon.inside?(middle) } != through
        worst = [gap, foot]
      end
      found << frame(RBA::Box::new(corner, worst[1])) if worst
    end
    found
  end

  def foot_on(edge, point)
    share = share_of(point, edge)
    RBA::Point::new((edge.x1 + share * edge.dx).round, (edge.y1 + share * edge.dy).round)
  end

  # -- parts of the above ----------------------------------------------------------------------------------------------

  # Corners of a contour sharper than `limit` degrees; jogs of up to 10 nm are passed over.
  def sharp(points, limit)
    kept = points.each_index.select { |i| points[i].distance(points[i - 1]) > 10 }.map { |i| points[i] }
    kept = points if kept.size < 3
    kept.each_index.select do |i|
      here, last, following = kept[i], kept[i - 1], kept[(i + 1) % kept.size]
      bx, by, ax, ay = last.x - here.x, last.y - here.y, following.x - here.x, following.y - here.y
      Math.atan2((bx * ay - by * ax).abs, bx * ax + by * ay) * 180.0 / Math::PI < limit - 0.5
    end.map { |i| kept[i] }
  end

  # Slivers of up to 2 nm are the rounding of slanted edges.
  def without_slivers(layer)
    layer.merged.sized(-1).sized(1)
  end

  def union(names)
    names.map { |name| merged(name) }.inject { |all, more| all + more }
  end

  # Each polygon as a marker.
  def boxes(layer, merge = true)
    found = []
    each_of((merge ? layer.merged : layer).data) { |polygon| found << frame(polygon.bbox) }
    found
  end

  # A box as two of its sides.
  def frame(box)
    left = RBA::Edge::new(box.left, box.bottom, box.left, box.top)
    RBA::EdgePair::new(left, RBA::Edge::new(box.right, box.top, box.right, box.bottom))
  end

  # Instances that are turned by other than 90 degrees, or scaled, and hold a shape on one of the layers.
  def turned(indexes)
    holds = {}
    @layout.each_cell_bottom_up do |index|
      cell = @layout.cell(index)
      own = indexes.any? { |layer| !cell.shapes(layer).is_empty? }
      holds[index] = own || cell.each_child_cell.any? { |child| holds[child] }
    end
    guilty = {}
    placements.each_key do |index|
      boxes = []
      @layout.cell(index).each_inst { |inst| boxes << inst.bbox if holds[inst.cell_index] && inst.is_complex? }
      guilty[index] = boxes unless boxes.empty?
    end
    guilty.empty? ? [] : places_of(guilty)
  end

  # Boxes by cell as markers, in every place of the cell.
  def places_of(guilty)
    each_place(guilty.keys).flat_map do |index, to_top|
      guilty[index].map { |box| frame(box.transformed(to_top)) }
    end
  end

  # Every place of some cells in the top cell.
  def each_place(wanted)
    return [] if wanted.empty?
    wanted = wanted.map { |index| [index, true] }.to_h
    above = wanted.keys.flat_map { |index| [index] + @layout.cell(index).caller_cells }.map { |index| [index, true] }.to_h
    found = []
    walk = lambda do |index, to_top|
      found << [index, to_top] if wanted[index]
      @layout.cell(index).each_inst do |inst|
        next unless above[inst.cell_index]
        array = inst.cell_inst
        [1, array.na].max.times do |i|
          [1, array.nb].max.times do |j|
            step = RBA::ICplxTrans::new(array.a * i + array.b * j)
            walk.call(inst.cell_index, to_top * step * array.cplx_trans)
          end
        end
      end
    end
    walk.call(@top.cell_index, RBA::ICplxTrans::new)
    found
  end
end
