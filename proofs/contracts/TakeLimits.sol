// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISlasher} from "./ISlasher.sol";

/// @title TakeLimits: how much may be taken at most, whatever was proven
/// @notice Every limit lowers the amount, none makes a proof fail.
abstract contract TakeLimits {
    uint256 internal constant PPM = 1_000_000;
    /// @notice No proof takes more than this share of a stake, in ppm, whatever the parameters say.
    uint256 public constant MAX_TAKE_PPM = 100_000;
    /// @notice Share of a node's stake at its first conviction of a round that all its convictions of that round may take, in ppm.
    uint256 public constant ROUND_CAP_PPM = 50_000;

    /// @dev One slot. Amounts in 10^-18 tokens: 2^96 are 79 billion tokens.
    struct RoundTake {
        uint64 round;
        uint96 snapshot;
        uint96 taken;
    }

    /// @dev One slot.
    struct DayTake {
        uint64 day;
        uint192 taken;
    }

    /// @notice Most that all convictions of one day (UTC, chain time) may take, 10^-18 tokens.
    uint256 public dailyCap;
    /// @notice Below this nothing is taken: a dust stake is not worth the gas, 10^-18 tokens.
    uint256 public minimumTake;
    mapping(address slasher => mapping(address transcoder => RoundTake)) public roundTakes;
    DayTake public dayTake;

    /// @dev Takes `ppm` of the stake, or what the limits leave of it. Callers guard against re-entry.
    function _takeWithin(
        ISlasher slasher,
        address transcoder,
        uint256 ppm,
        uint256 round
    ) internal returns (uint256 taken) {
        uint256 stake = slasher.stakeOf(transcoder);
        if (stake > type(uint96).max) stake = type(uint96).max;
        RoundTake memory own = roundTakes[address(slasher)][transcoder];
        if (own.round != round) own = RoundTake({round: uint64(round), snapshot: uint96(stake), taken: 0});
        uint64 today = uint64(block.timestamp / 1 days);
        uint256 ofDay = dayTake.day == today ? dayTake.taken : 0;
        uint256 want = _min((stake * _min(ppm, MAX_TAKE_PPM)) / PPM, _minus((own.snapshot * ROUND_CAP_PPM) / PPM, own.taken));
        want = _min(want, _minus(dailyCap, ofDay));
        if (want == 0 || want < minimumTake) return 0;
        taken = _min(slasher.take(transcoder, want), want);
        own.taken += uint96(taken);
        roundTakes[address(slasher)][transcoder] = own;
        dayTake = DayTake({day: today, taken: uint192(ofDay + taken)});
    }

    function _min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }

    function _minus(uint256 a, uint256 b) internal pure returns (uint256) {
        return a > b ? a - b : 0;
    }
}
