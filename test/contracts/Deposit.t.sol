// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SecurityDeposit} from "contracts/SecurityDeposit.sol";
import {World} from "./World.sol";

contract DepositTest is World {
    function test_thawing_takes_twenty_one_days() public {
        vm.startPrank(node(0));
        deposit.thaw(400 * TOKEN);
        pass(21 days - 1);
        fails(SecurityDeposit.NotThawed.selector);
        deposit.withdraw();
        pass(1);
        deposit.withdraw();
        vm.stopPrank();
        eq(token.balanceOf(node(0)), 400 * TOKEN, "paid");
        eq(deposit.stakeOf(node(0)), 600 * TOKEN, "left");
    }

    function test_asking_more_starts_the_wait_anew() public {
        vm.startPrank(node(0));
        deposit.thaw(400 * TOKEN);
        pass(20 days);
        deposit.thaw(1);
        pass(20 days);
        fails(SecurityDeposit.NotThawed.selector);
        deposit.withdraw();
        vm.stopPrank();
    }

    function testFuzz_no_more_thaws_than_is_there(uint256 first, uint256 second) public {
        first = bound(first, 1, 1000 * TOKEN);
        vm.startPrank(node(0));
        deposit.thaw(first);
        second = bound(second, 1000 * TOKEN - first + 1, type(uint128).max);
        fails(SecurityDeposit.NotEnough.selector);
        deposit.thaw(second);
        vm.stopPrank();
    }

    function test_zero_is_refused() public {
        vm.startPrank(node(0));
        fails(SecurityDeposit.ZeroAmount.selector);
        deposit.thaw(0);
        fails(SecurityDeposit.ZeroAmount.selector);
        deposit.deposit(0);
        fails(SecurityDeposit.NothingThawing.selector);
        deposit.withdraw();
        fails(SecurityDeposit.NotEnough.selector);
        deposit.deposit(type(uint128).max);
        vm.stopPrank();
    }

    function test_frozen_nothing_leaves_however_thawed_it_is() public {
        vm.prank(node(0));
        deposit.thaw(1000 * TOKEN);
        vm.startPrank(address(verifier));
        deposit.freeze(node(0));
        deposit.freeze(node(0));
        vm.stopPrank();
        pass(100 days);
        vm.prank(node(0));
        fails(SecurityDeposit.DepositFrozen.selector);
        deposit.withdraw();
        vm.prank(address(verifier));
        deposit.unfreeze(node(0));
        isTrue(deposit.isFrozen(node(0)), "one case is left");
        vm.prank(node(0));
        fails(SecurityDeposit.DepositFrozen.selector);
        deposit.withdraw();
        vm.prank(address(verifier));
        deposit.unfreeze(node(0));
        vm.prank(node(0));
        deposit.withdraw();
        eq(token.balanceOf(node(0)), 1000 * TOKEN, "paid in the end");
        vm.prank(address(verifier));
        fails(SecurityDeposit.NotFrozen.selector);
        deposit.unfreeze(node(0));
    }

    function test_only_the_verifier_freezes_and_only_the_slasher_takes() public {
        vm.startPrank(governor);
        fails(SecurityDeposit.OnlyVerifier.selector);
        deposit.freeze(node(0));
        fails(SecurityDeposit.OnlyVerifier.selector);
        deposit.unfreeze(node(0));
        fails(SecurityDeposit.OnlySlasher.selector);
        deposit.take(node(0), 1, governor);
        vm.stopPrank();
        vm.prank(address(verifier));
        fails(SecurityDeposit.OnlySlasher.selector);
        deposit.take(node(0), 1, governor);
    }

    function testFuzz_take_takes_what_is_there_thawing_included(uint256 thawing, uint256 amount) public {
        thawing = bound(thawing, 1, 1000 * TOKEN);
        amount = bound(amount, 0, 2000 * TOKEN);
        vm.prank(node(0));
        deposit.thaw(thawing);
        vm.prank(address(depositSlasher));
        uint256 taken = deposit.take(node(0), amount, treasury);
        eq(taken, amount < 1000 * TOKEN ? amount : 1000 * TOKEN, "taken");
        eq(token.balanceOf(treasury), taken, "moved");
        pass(21 days);
        uint256 left = 1000 * TOKEN - taken;
        vm.prank(node(0));
        if (left == 0) fails(SecurityDeposit.NothingThawing.selector);
        deposit.withdraw();
        eq(token.balanceOf(node(0)), thawing < left ? thawing : left, "never more than is left");
    }

    function test_anybody_may_add_for_a_node() public {
        give(stranger, 5 * TOKEN);
        vm.startPrank(stranger);
        token.approve(address(deposit), 5 * TOKEN);
        deposit.depositFor(node(1), 5 * TOKEN);
        vm.stopPrank();
        eq(deposit.stakeOf(node(1)), 1005 * TOKEN, "added");
    }
}
